import { type Static, Type } from 'typebox'
import { EngineStats } from './engine-stats.ts'

const Milliseconds = Type.Unsafe<number | null>({ type: ['number', 'null'] })

/** What orders-service tells in `GET /stats`, and the gateway hands on. */
export const OrdersStats = Type.Object({
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
})
export type OrdersStats = Static<typeof OrdersStats>
