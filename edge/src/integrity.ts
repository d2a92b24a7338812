import { type Static, Type } from 'typebox'
import { answers } from './app.ts'

/**
 * What the services tell each other's auditor, the gateway. A *slice* is a stretch of settled history: the rows after
 * one place up to another. Places are texts that sort as the rows do: an order id, or an account with its position.
 */

export const noOrderId = '00000000-0000-0000-0000-000000000000'
export const lastOrderId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** So many rows a slice: some 15 ms of a database, since orders that are being paid wait beside it. */
export const sliceRowsMax = 2_000
/** Payments without an order may lie between those of a slice: up to as many again, before it gets shorter. */
export const rowsShownMax = 2 * sliceRowsMax

/** One row that breaks a rule. */
export const Finding = Type.Object({
  check: Type.String({ examples: ['order_payment_differ'] }),
  id: Type.String({ description: 'Of an order, or of a user where the check is about an account' }),
  at: Type.String({ description: 'Its place in the history that is walked' }),
  detail: Type.String(),
})
export type Finding = Static<typeof Finding>

export const Slice = Type.Object({
  until: Type.String({ description: 'All rows up to here were checked' }),
  is_last: Type.Boolean({ description: 'There was nothing more to check' }),
  checked: Type.Integer(),
  findings: Type.Array(Finding, { description: 'At most 100' }),
})
export type Slice = Static<typeof Slice>

export const findingsMax = 100

/**
 * `digest` stands for what orders and payments must agree on (id, user, amount, outcome) of all rows in the slice, in
 * any order: equal digests and counts mean equal rows, but for one chance in 2^64.
 */
export const OrderSlice = Type.Object({
  ...Slice.properties,
  agreed: Type.Integer({ description: 'Rows that the digest is of' }),
  digest: Type.String(),
})
export type OrderSlice = Static<typeof OrderSlice>

/** One order as orders and payments must agree on it. */
export const AgreedRow = Type.Object({
  id: Type.String(),
  user_id: Type.String(),
  amount_minor: Type.String(),
  outcome: Type.String({ examples: ['COMPLETED', 'DECLINED insufficient_funds', 'OPEN'] }),
  is_ours: Type.Boolean({ description: 'false for a payment that another program asked for' }),
})
export type AgreedRow = Static<typeof AgreedRow>
export const AgreedRows = Type.Object({ rows: Type.Array(AgreedRow) })
export type AgreedRows = Static<typeof AgreedRows>

const OrderPlace = Type.String({ format: 'uuid' })

/** The slice of orders after `after`, up to `until` at most. */
export const SliceQuery = Type.Object(
  { after: Type.Optional(OrderPlace), until: Type.Optional(OrderPlace) },
  { additionalProperties: false },
)
/** Exactly this slice. */
export const RowsQuery = Type.Object(
  { after: OrderPlace, until: OrderPlace },
  { additionalProperties: false },
)

/** For what only the gateway calls. */
export const integrityRoute = {
  tags: ['operations'],
  description:
    'Internal: the gateway walks through all of history with this, and joins what it finds in its own `GET /integrity`.',
}

/** The schema of such a call that answers 200. */
export const integrityCall = <Answer>(summary: string, answer: Answer) => ({
  ...integrityRoute,
  summary,
  response: answers({ 200: answer }, 400, 500, 503),
})

export const Turn = Type.Object({
  turn: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'null while the turn of another has not ended, or its pause after it',
  }),
  /** Orders with an id below this one should be settled. */
  settled_before: Type.String(),
  overdue: Type.Object({
    count: Type.Integer(),
    is_capped: Type.Boolean(),
    oldest: Type.Array(Type.Object({ id: Type.String(), user_id: Type.String() }), {
      description: 'At most 20',
    }),
  }),
  progress: Type.Unsafe<unknown>({ description: 'As the last turn left it; null before the first' }),
})
export type Turn = Static<typeof Turn>

/** Of a lease, and of a pause. */
export const turnMsMax = 600_000

export const TakeTurn = Type.Object(
  {
    settled_within_ms: Type.Integer({ minimum: 1 }),
    lease_ms: Type.Integer({ minimum: 1, maximum: turnMsMax }),
  },
  { additionalProperties: false },
)

export const EndTurn = Type.Object(
  {
    turn: Type.Integer({ minimum: 1 }),
    pause_ms: Type.Integer({ minimum: 0, maximum: turnMsMax, description: 'Nobody gets a turn meanwhile' }),
    progress: Type.Unsafe<object>({ type: 'object' }),
  },
  { additionalProperties: false },
)
