import { type App, answers } from 'edge/app'
import { type Check, Dependency, HealthQuery, runCheck, wholeMs } from 'edge/health'
import { type Static, Type } from 'typebox'
import type { Upstream } from './upstream.ts'

const ServiceHealth = Type.Object({
  status: Type.Union([Type.Literal('up'), Type.Literal('down')]),
  duration_ms: Type.Number(),
  detail: Type.Optional(Type.String()),
  dependencies: Type.Optional(Type.Record(Type.String(), Dependency)),
})
type ServiceHealth = Static<typeof ServiceHealth>

const SystemHealth = Type.Object({
  service: Type.String(),
  status: Type.Union([Type.Literal('up'), Type.Literal('down')]),
  dependencies: Type.Record(Type.String(), Dependency, { description: "The gateway's own" }),
  services: Type.Record(Type.String(), ServiceHealth),
})

/** A service is told to be done a little earlier, so that its account of a slow dependency still arrives. */
const timeoutShare = 0.8

/** `GET /health`: the state of the whole system, within the timeout; 503 where any part is down. */
export function registerSystemHealth(app: App, upstreams: Upstream[], checks: Record<string, Check>): void {
  const schema = {
    tags: ['operations'],
    summary: 'State of every service and its dependencies',
    querystring: HealthQuery,
    response: answers({ 200: SystemHealth, 503: SystemHealth }, 400),
  }
  app.get('/health', { schema, config: { isUntraced: true } }, async (request, reply) => {
    const timeoutMs = wholeMs(request.query.timeout)
    const [dependencies, services] = await Promise.all([
      each(Object.entries(checks), ([name, check]) => [name, runCheck(check, timeoutMs)]),
      each(upstreams, upstream => [upstream.name, askHealth(upstream, timeoutMs)]),
    ])
    const up = [...Object.values(dependencies), ...Object.values(services)].every(
      ({ status }) => status === 'up',
    )
    return reply
      .code(up ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ service: 'gateway', status: up ? 'up' : 'down', dependencies, services })
  })
}

async function each<Item, Found>(
  items: Item[],
  find: (item: Item) => [string, Promise<Found>],
): Promise<Record<string, Found>> {
  const found = items.map(find).map(async ([name, promise]) => [name, await promise] as const)
  return Object.fromEntries(await Promise.all(found))
}

async function askHealth(upstream: Upstream, timeoutMs: number): Promise<ServiceHealth> {
  const inner = Math.max(0.1, Math.round(timeoutMs * timeoutShare) / 1_000)
  let told: unknown
  const { status, duration_ms, detail } = await runCheck(async () => {
    const outcome = await upstream.askAside(
      { method: 'GET', path: `/health?timeout=${inner}`, headers: {} },
      timeoutMs,
    )
    if (outcome.kind === 'unavailable') throw new Error(outcome.reason)
    told = JSON.parse(String(outcome.body))
  }, timeoutMs)
  if (status === 'down') return { status, duration_ms, ...(detail && { detail }) }
  const { status: itself, dependencies } = told as Pick<ServiceHealth, 'status' | 'dependencies'>
  return { status: itself === 'up' ? 'up' : 'down', duration_ms, ...(dependencies && { dependencies }) }
}
