import { type App, answers } from 'edge/app'
import { EngineStats, readEngineStats } from 'edge/engine-stats'
import { sharedReading } from 'edge/shared-reading'
import type { Kysely } from 'kysely'
import type { Transport } from 'messaging/transport'
import { type Static, Type } from 'typebox'
import type { OrdersDatabase } from '../database.ts'
import { resultsTopic, settleOrdersName } from '../orders/settle-orders.ts'
import { readOrderCounts } from './order-counts.ts'
import { readOrderFlow } from './order-flow.ts'

const Milliseconds = Type.Unsafe<number | null>({ type: ['number', 'null'] })

export const OrdersStats = Type.Object(
  {
    ...EngineStats.properties,
    window_seconds: Type.Number({
      description: 'What the next four are of: a minute, or less where very much happened',
    }),
    placed: Type.Integer(),
    finished: Type.Integer(),
    cancelled: Type.Integer(),
    time_to_settle_ms: Type.Unsafe<{ p50: number; p99: number } | null>({
      type: ['object', 'null'],
      properties: { p50: { type: 'number' }, p99: { type: 'number' } },
      required: ['p50', 'p99'],
      description: 'From placing to settling, of the orders settled in the window; null where none was',
    }),
    seconds: Type.Array(
      Type.Object({
        at: Type.String({ format: 'date-time' }),
        placed: Type.Integer(),
        settled: Type.Integer(),
        p50_ms: Milliseconds,
        p99_ms: Milliseconds,
      }),
      { description: 'The same, for each whole second of the last minute' },
    ),
    orders: Type.Object({
      total: Type.Integer(),
      open: Type.Integer(),
      finished: Type.Integer(),
      cancelled: Type.Integer(),
      is_estimate: Type.Boolean({
        description: 'A large table is not counted: these are the estimates of the database',
      }),
    }),
  },
  { $id: 'OrdersStats' },
)
export type OrdersStats = Static<typeof OrdersStats>

const sharedMs = 1_000

export function registerStatsRoutes(
  app: App,
  db: Kysely<OrdersDatabase>,
  transport: Pick<Transport, 'lag'>,
): void {
  app.addSchema(OrdersStats)
  const consumer = { name: settleOrdersName, lag: () => transport.lag(settleOrdersName, [resultsTopic]) }
  const read = sharedReading(() => readStats(db, consumer), sharedMs)
  const schema = {
    tags: ['operations'],
    summary: 'How the service is doing',
    description: 'Of the whole service, whichever instance answers. Read at most once a second.',
    response: answers({ 200: Type.Ref('OrdersStats') }, 500, 503),
  }
  app.get('/stats', { schema }, async (_request, reply) => {
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
