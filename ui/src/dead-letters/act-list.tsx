import { useQueries } from '@tanstack/react-query'
import { Failed } from '../shell/states.tsx'
import { moment } from '../time/time.ts'
import { fetchActs, type Operator, services } from './operator.ts'

/** The newest of what was done, by anybody. */
export function ActList({ operator }: { operator: Operator }) {
  const read = useQueries({
    queries: services.map(service => ({
      queryKey: ['acts', service, operator.token],
      queryFn: ({ signal }: { signal: AbortSignal }) => fetchActs(operator, service, signal),
    })),
  })
  const acts = read
    .flatMap(({ data = [] }, index) => data.map(act => ({ ...act, service: services[index]! })))
    .toSorted((one, other) => other.at.localeCompare(one.at))
  const broken = read.find(({ error }) => error !== null)
  return (
    <section className="card desk-acts" aria-labelledby="acts-heading">
      <h2 id="acts-heading">What was done</h2>
      {broken?.error && <Failed error={broken.error} onRetry={() => void broken.refetch()} />}
      {acts.length === 0 && !broken && <p className="quiet">Nothing yet.</p>}
      <ul aria-label="What was done">
        {acts.map(({ service, id, at, act, outcome, who, why, dead_letter_id }) => (
          <li key={`${service}/${id}`}>
            <time dateTime={at}>{moment(new Date(at))}</time>
            <span>
              {act} {dead_letter_id === null ? `of ${service} events` : `${service}/${dead_letter_id}`},{' '}
              {outcome}, by {who}
              {why && <q className="break">{why}</q>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
