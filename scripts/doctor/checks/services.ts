import type { Health } from 'edge/health'
import type { Static } from 'typebox'
import type { Finding } from '../finding.ts'
import type { Service } from '../installation.ts'

const answerMsMax = 10_000

export type HealthAnswer =
  | { kind: 'silent'; reason: string }
  | { kind: 'stranger'; status: number }
  | { kind: 'health'; health: Static<typeof Health> }

export async function checkService(service: Service): Promise<Finding[]> {
  return judgeService(service, await askHealth(service.url))
}

async function askHealth(url: string): Promise<HealthAnswer> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(answerMsMax) })
    const health = await response.json().catch(() => undefined)
    return typeof Object(health).dependencies === 'object'
      ? { kind: 'health', health: health as Static<typeof Health> }
      : { kind: 'stranger', status: response.status }
  } catch (error) {
    const { cause, message } = error as Error
    return { kind: 'silent', reason: String(Object(cause).code ?? Object(cause).message ?? message) }
  }
}

export function judgeService({ name, url }: Service, answer: HealthAnswer): Finding[] {
  if (answer.kind === 'silent') {
    return [
      {
        level: 'fault',
        what: `It does not answer at ${url} (${answer.reason}).`,
        means: 'Its calls are refused and its messages wait, unless another instance runs elsewhere.',
        next: `Start it, or say where it is (${name.toUpperCase()}_URL or --${name}). Its log says why it ended.`,
        page: 'docs/runbooks/ServiceDown.md',
      },
    ]
  }
  if (answer.kind === 'stranger') {
    return [
      {
        level: 'fault',
        what: `What answers at ${url} is no service of this system: /health gave ${answer.status} and no health.`,
        means: 'Another program has the port, or a proxy answers in its place.',
        next: `Say where the service is (${name.toUpperCase()}_URL or --${name}), or free its port.`,
        page: 'docs/runbooks/ServiceDown.md',
      },
    ]
  }
  const down = Object.entries(answer.health.dependencies).filter(([, { status }]) => status === 'down')
  if (down.length === 0) return []
  const told = down.map(([dependency, { detail }]) => (detail ? `${dependency} (${detail})` : dependency))
  return [
    {
      level: 'fault',
      what: `It runs, and says that it cannot reach ${told.join(', ')}.`,
      means: 'Calls that need it are refused. Messages wait; none is lost.',
      next: `Bring ${down.map(([dependency]) => dependency).join(', ')} back. The service finds its way by itself.`,
      page: 'docs/runbooks/ErrorRatioHigh.md',
    },
  ]
}
