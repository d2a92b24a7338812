import { type App, answers } from 'edge/app'
import { EngineStats } from 'edge/engine-stats'
import { OrdersStats } from 'edge/orders-stats'
import { type Static, type TSchema, Type } from 'typebox'
import { headersFor } from './forward.ts'
import type { ServiceName } from './public-calls.ts'
import type { Upstream } from './upstream.ts'

const orNull = <Schema extends TSchema>(schema: Schema) =>
  Type.Unsafe<Static<Schema> | null>({
    anyOf: [schema, { type: 'null' }],
    description: 'null where the service did not answer',
  })

const SystemStats = Type.Object({
  at: Type.String({ format: 'date-time' }),
  orders: orNull(OrdersStats),
  payments: orNull(EngineStats),
})
export type SystemStats = Static<typeof SystemStats>

/** A page that asks every second must not be held up by a service that hangs. */
const timeoutMs = 3_000

/** `GET /stats`: how the whole system is doing. 200 whatever is down, since what is missing is the finding. */
export function registerStats(app: App, upstreams: Record<ServiceName, Upstream>): void {
  const schema = {
    tags: ['operations'],
    summary: 'How the system is doing: rates, times, backlogs, dead letters',
    response: answers({ 200: SystemStats }, 429),
  }
  app.get('/stats', { schema, config: { isUntraced: true } }, async (request, reply) => {
    const ask = (upstream: Upstream) => askStats(upstream, headersFor(request))
    const [orders, payments] = await Promise.all([ask(upstreams.orders), ask(upstreams.payments)])
    reply.header('cache-control', 'no-store')
    return {
      at: new Date().toISOString(),
      orders: orders as OrdersStats | null,
      payments: payments as EngineStats | null,
    }
  })
}

async function askStats(upstream: Upstream, headers: Record<string, string>): Promise<unknown> {
  const outcome = await upstream.askAside({ method: 'GET', path: '/stats', headers }, timeoutMs)
  if (outcome.kind === 'unavailable' || outcome.status !== 200) return null
  try {
    return JSON.parse(String(outcome.body))
  } catch {
    return null
  }
}
