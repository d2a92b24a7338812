import { type App, answers } from 'edge/app'
import { OrdersStats } from 'edge/orders-stats'
import { readEngineStats } from 'edge/read-engine-stats'
import { sharedReading } from 'edge/shared-reading'
import type { Kysely } from 'kysely'
import type { Transport } from 'messaging/transport'
import type { OrdersDatabase } from '../database.ts'
import { resultsTopic, settleOrdersName } from '../orders/settle-orders.ts'
import { readOrderCounts } from './order-counts.ts'
import { readOrderFlow } from './order-flow.ts'

const sharedMs = 1_000

export function registerStatsRoutes(
  app: App,
  db: Kysely<OrdersDatabase>,
  transport: Pick<Transport, 'lag'>,
): void {
  const consumer = { name: settleOrdersName, lag: () => transport.lag(settleOrdersName, [resultsTopic]) }
  const read = sharedReading(() => readStats(db, consumer), sharedMs)
  const schema = {
    tags: ['operations'],
    summary: 'How the service is doing',
    description: 'Of the whole service, whichever instance answers. Read at most once a second.',
    response: answers({ 200: OrdersStats }, 500, 503),
  }
  app.get('/stats', { schema, config: { isUntraced: true } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    return read()
  })
}

async function readStats(
  db: Kysely<OrdersDatabase>,
  consumer: Parameters<typeof readEngineStats>[2],
): Promise<OrdersStats> {
  const [engine, flow, counts] = await Promise.all([
    readEngineStats(db, 'orders-service', consumer),
    readOrderFlow(db, new Date()),
    readOrderCounts(db),
  ])
  const { isEstimate, ...orders } = counts
  return {
    ...engine,
    window_seconds: flow.windowSeconds,
    placed: flow.placed,
    finished: flow.finished,
    cancelled: flow.cancelled,
    time_to_settle_ms: flow.timeToSettleMs,
    seconds: flow.seconds,
    orders: { ...orders, is_estimate: isEstimate },
  }
}
