import { type TSchema, Type } from 'typebox'

/**
 * What the gateway uses of the services' answers, and what it sends: written from its side, verified by each service's
 * tests against its own OpenAPI document. What it merely passes on has no `reads`: its users go by that document.
 */
export type Call = {
  method: 'get' | 'post' | 'put' | 'patch'
  path: string
  query?: string[]
  sends?: TSchema
  reads?: TSchema
}

const Text = Type.String()
const Count = Type.Integer()
const object = Type.Object
const TextOrNull = Type.Unsafe({ type: ['string', 'null'] })

const Timeline = object({
  order_id: Text,
  hops: Type.Array(object({ hop: Text, service: Text, at: TextOrNull })),
  discarded: Type.Optional(object({ service: Text, at: Text, act: Text, dead_letter: Text, detail: Text })),
})
const Health = object({
  status: Type.Enum(['up', 'down']),
  dependencies: Type.Record(Text, object({ status: Text })),
})
const Stats = object({
  service: Text,
  at: Text,
  outbox: object({
    waiting: Count,
    oldest_age_ms: Type.Unsafe({ type: ['number', 'null'] }),
    is_capped: Type.Boolean(),
  }),
  consumer: object({ name: Text, lag: Type.Unsafe({ type: ['integer', 'null'] }) }),
  dead_letters: object({ parked: Count, waiting: Count }),
})
const Slice = object({
  until: Text,
  is_last: Type.Boolean(),
  checked: Count,
  findings: Type.Array(object({ check: Text, id: Text, at: Text, detail: Text })),
})
const OrderSlice = object({ ...Slice.properties, agreed: Count, digest: Text })
const Rows = object({
  rows: Type.Array(
    object({ id: Text, user_id: Text, amount_minor: Text, outcome: Text, is_ours: Type.Boolean() }),
  ),
})
const range = ['after', 'until']

const health: Call = { method: 'get', path: '/health', query: ['timeout'], reads: Health }
const stats: Call = { method: 'get', path: '/stats', reads: Stats }
const slice: Call = { method: 'get', path: '/integrity', query: range, reads: OrderSlice }
const rows: Call = { method: 'get', path: '/integrity/rows', query: range, reads: Rows }
const page = ['limit', 'cursor']

export const gatewayCalls: Record<'orders' | 'payments', Call[]> = {
  orders: [
    { method: 'post', path: '/orders' },
    { method: 'get', path: '/orders', query: ['user_id', 'status', ...page] },
    { method: 'get', path: '/orders/{id}' },
    { method: 'get', path: '/orders/user/{user_id}', query: page },
    { method: 'get', path: '/orders/{id}/timeline', reads: Timeline },
    health,
    stats,
    slice,
    rows,
    {
      method: 'post',
      path: '/integrity/turns',
      sends: object({
        settled_within_ms: Type.Integer({ minimum: 1 }),
        lease_ms: Type.Integer({ minimum: 1, maximum: 600_000 }),
      }),
      reads: object({
        turn: Type.Unsafe({ type: ['integer', 'null'] }),
        settled_before: Text,
        overdue: object({
          count: Count,
          is_capped: Type.Boolean(),
          oldest: Type.Array(object({ id: Text, user_id: Text })),
        }),
      }),
    },
    { method: 'put', path: '/integrity/turns' },
  ],
  payments: [
    { method: 'post', path: '/users' },
    { method: 'get', path: '/users', query: page },
    { method: 'get', path: '/users/{user_id}' },
    { method: 'patch', path: '/users/{user_id}' },
    { method: 'get', path: '/users/{user_id}/ledger', query: page },
    { method: 'get', path: '/payments/order/{order_id}/timeline', reads: Timeline },
    health,
    stats,
    slice,
    rows,
    { method: 'get', path: '/integrity/accounts', query: ['after'], reads: Slice },
    { method: 'get', path: '/integrity/ledger', query: ['after'], reads: Slice },
  ],
}
