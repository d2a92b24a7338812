import { type App, answers } from 'edge/app'
import { type Hop, hopNames, Timeline } from 'edge/timeline'
import { type Static, Type } from 'typebox'
import { headersFor, passOn, sendUnavailable } from './forward.ts'
import { OrderParams, type ServiceName } from './public-calls.ts'
import type { Outcome, Upstream } from './upstream.ts'

const JoinedTimeline = Type.Object({
  ...Timeline.properties,
  missing: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Services that did not answer: their hops are not in here, which does not mean that they did not happen',
    }),
  ),
})
export type JoinedTimeline = Static<typeof JoinedTimeline>

/**
 * `GET /orders/{id}/timeline`, joined from what orders and payments know. Orders decides whether there is such an
 * order, so without it the answer is 503. Without payments it is what orders knows, and says what is missing: a
 * timeline is asked for most when something is stuck, and that payments does not answer is then the finding.
 */
export function registerTimeline(app: App, upstreams: Record<ServiceName, Upstream>): void {
  const schema = {
    tags: ['orders'],
    summary: 'Each hop of an order with its time',
    params: OrderParams,
    response: answers({ 200: JoinedTimeline }, 400, 404, 429, 503),
  }
  app.get('/orders/:id/timeline', { schema }, async (request, reply) => {
    const { id } = request.params
    const headers = headersFor(request)
    const ask = (upstream: Upstream, path: string) => upstream.ask({ method: 'GET', path, headers })
    const [orders, payments] = await Promise.all([
      ask(upstreams.orders, `/orders/${id}/timeline`),
      ask(upstreams.payments, `/payments/order/${id}/timeline`),
    ])
    if (orders.kind === 'unavailable') return sendUnavailable(request, reply, 'orders', orders) as never
    if (orders.status !== 200) return passOn(reply, orders) as never
    const known = timelineIn(orders)
    if (!known)
      return sendUnavailable(request, reply, 'orders', {
        kind: 'unavailable',
        reason: 'no timeline',
      }) as never
    const paid = timelineIn(payments)
    if (!paid) request.log.warn({ upstream: 'payments', status: payments.kind }, 'timeline without payments')
    return reply.header('cache-control', 'no-store').send(joinTimelines(known, paid))
  })
}

/** Undefined where there is none to read: the service is down, or refused. */
function timelineIn(outcome: Outcome): Timeline | undefined {
  if (outcome.kind === 'unavailable' || outcome.status !== 200) return undefined
  try {
    const read = JSON.parse(String(outcome.body)) as Timeline
    return Array.isArray(read.hops) ? read : undefined
  } catch {
    return undefined
  }
}

/**
 * All hops in the way of the order; a hop that both know is told once, by the one that knows its time. Of two messages
 * that were discarded the result, which comes later in its way.
 */
export function joinTimelines(orders: Timeline, payments: Timeline | undefined): JoinedTimeline {
  const byName = new Map<string, Hop>()
  for (const hop of [...orders.hops, ...(payments?.hops ?? [])]) {
    if (!byName.get(hop.hop)?.at) byName.set(hop.hop, hop)
  }
  const hops = hopNames.flatMap(name => byName.get(name) ?? [])
  const discarded = orders.discarded ?? payments?.discarded
  return {
    order_id: orders.order_id,
    hops,
    ...(discarded && { discarded }),
    ...(payments ? undefined : { missing: ['payments-service'] }),
  }
}
