import { useQuery } from '@tanstack/react-query'
import { fetchHealth } from '../api/gateway.ts'
import type { Dependency, Health, ServiceHealth } from '../api/model.ts'
import { Failed } from '../shell/states.tsx'
import { elapsed } from '../time/time.ts'

const everyMs = 3_000

export function ServiceHealthPanel() {
  const health = useQuery({
    queryKey: ['health'],
    queryFn: ({ signal }) => fetchHealth(signal),
    refetchInterval: everyMs,
  })
  return (
    <section className="card" aria-labelledby="health-heading">
      <h2 id="health-heading">Services</h2>
      {health.error && <Failed error={health.error} onRetry={() => void health.refetch()} />}
      {health.data && !health.error && <ServiceList health={health.data} />}
    </section>
  )
}

function ServiceList({ health }: { health: Health }) {
  const isOwnUp = Object.values(health.dependencies).every(({ status }) => status === 'up')
  const gateway: ServiceHealth = {
    status: isOwnUp ? 'up' : 'down',
    duration_ms: 0,
    dependencies: health.dependencies,
  }
  const services = Object.entries({ gateway, ...health.services })
  return (
    <ul className="services" aria-label="Services">
      {services.map(([name, { status, detail, dependencies }]) => (
        <li key={name} className="service">
          <Mark status={status} />
          <strong>{name}</strong>
          <span className="service-state">
            {status === 'up' ? 'up' : `down${detail ? `: ${detail}` : ''}`}
          </span>
          <ul className="dependencies" aria-label={`What ${name} needs`}>
            {Object.entries(dependencies ?? {}).map(([dependency, state]) => (
              <li key={dependency} className={`dependency is-${state.status}`}>
                {dependency} {wordsOf(state)}
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  )
}

const wordsOf = ({ status, detail, duration_ms }: Dependency): string =>
  status === 'up' ? elapsed(duration_ms) : (detail ?? 'down')

function Mark({ status }: { status: 'up' | 'down' }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true" className={`mark is-${status}`}>
      <circle cx="8" cy="8" r="6" />
      {status === 'up' ? (
        <path d="M5.2 8.3l1.9 1.9 3.7-4.1" />
      ) : (
        <path d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" />
      )}
    </svg>
  )
}
