import { parseJsonExactly } from 'edge/json'
import { minorFromDecimal } from 'edge/money'
import { UserId } from 'edge/user-id'
import { sql, type Transaction } from 'kysely'
import type { ConsumerDefinition, Decoded, Message } from 'messaging/consumer'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type OrdersDatabase, orderFromRow } from '../database.ts'
import {
  type Order,
  type OrderSettled,
  type PaymentResult,
  reasonOf,
  type Settlement,
  settle,
} from './order.ts'
import { appendToOutbox, statusUpdate } from './order-events.ts'

export const settleOrdersName = 'orders.settle'
export const resultsTopic = 'payment_status_updates'

/** A result that no order can be settled with: parked by the consumer, where a person sees it. */
export class UnusableResultError extends Error {
  override name = 'UnusableResultError'
}

/** Settles orders with the results of their payments. */
export function settleOrders(
  clock: () => Date,
  afterCommit: () => void,
): ConsumerDefinition<OrdersDatabase, PaymentResult> {
  return {
    name: settleOrdersName,
    topics: [resultsTopic],
    decode: ({ value }) => decodeResult(value),
    handle: (trx, messages) => settleBatch(trx, messages, clock()),
    afterCommit,
  }
}

/** What settling needs of a result; programs that leave out or add other fields are understood too. */
const Result = Compile(
  Type.Object({
    order_id: Type.String({ pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' }),
    user_id: UserId,
    amount: Type.Number(),
    status: Type.Union([Type.Literal('SUCCESS'), Type.Literal('FAILED')]),
    error: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
)

export function decodeResult(value: Buffer | null): Decoded<PaymentResult> {
  if (value === null || value.length === 0) return { ok: false, reason: 'The message is empty' }
  let content: unknown
  try {
    content = parseJsonExactly(value)
  } catch (error) {
    return { ok: false, reason: `The message is not JSON: ${(error as Error).message}` }
  }
  if (!Result.Check(content)) {
    const mistakes = Result.Errors(content).map(({ instancePath, message }) =>
      `${instancePath} ${message}`.trim(),
    )
    return { ok: false, reason: `The message is not a payment result: ${mistakes.join('; ')}` }
  }
  const amountMinor = minorFromDecimal(content.amount)
  if (amountMinor === undefined)
    return { ok: false, reason: `amount ${content.amount} is not an amount of money` }
  const orderId = content.order_id.toLowerCase()
  const about = { orderId, userId: content.user_id, amountMinor }
  return {
    ok: true,
    id: orderId,
    payload:
      content.status === 'SUCCESS'
        ? { ...about, status: 'SUCCESS' }
        : { ...about, status: 'FAILED', reason: reasonOf(content.error) },
  }
}

type Settled = { event: OrderSettled; resultEventId: string }

/** The same three statements for one result or many. */
async function settleBatch(
  trx: Transaction<OrdersDatabase>,
  messages: Message<PaymentResult>[],
  now: Date,
): Promise<void> {
  const orders = await lockOrders(trx, new Set(messages.map(({ payload }) => payload.orderId)))
  const settled: Settled[] = []
  for (const { eventId, payload } of messages) {
    const outcome = settle(orders.get(payload.orderId), payload, now)
    if (outcome.kind === 'already_settled') continue
    if (outcome.kind !== 'settled') throw unusable(payload, outcome)
    orders.set(payload.orderId, outcome.event.order)
    settled.push({ event: outcome.event, resultEventId: eventId })
  }
  if (settled.length === 0) return
  await updateOrders(trx, settled)
  await appendToOutbox(
    trx,
    settled.map(({ event }) => statusUpdate(event)),
  )
}

/** Sorted, so that two transactions that want the same orders wait for each other instead of deadlocking. */
async function lockOrders(trx: Transaction<OrdersDatabase>, ids: Set<string>): Promise<Map<string, Order>> {
  const rows = await trx
    .selectFrom('orders')
    .select(['id', 'user_id', 'amount_minor', 'description', 'status', 'reason', 'created_at', 'updated_at'])
    .where('id', '=', sql<string>`any(${[...ids]}::uuid[])`)
    .orderBy('id')
    .forUpdate()
    .execute()
  return new Map(rows.map(row => [row.id, orderFromRow(row)]))
}

async function updateOrders(trx: Transaction<OrdersDatabase>, settled: Settled[]): Promise<void> {
  const orders = settled.map(({ event }) => event.order)
  await sql`
    update orders
    set status = s.status, reason = s.reason, updated_at = s.updated_at, result_event_id = s.result_event_id
    from unnest(
      ${orders.map(({ id }) => id)}::uuid[],
      ${orders.map(({ status }) => status)}::text[],
      ${orders.map(order => (order.status === 'CANCELLED' ? order.reason : null))}::text[],
      ${orders.map(({ updatedAt }) => updatedAt)}::timestamptz[],
      ${settled.map(({ resultEventId }) => resultEventId)}::text[]
    ) as s (id, status, reason, updated_at, result_event_id)
    where orders.id = s.id`.execute(trx)
}

/**
 * Payments answer only what this service asked, and it asks only what is committed. So a result of an unknown order, or
 * one that contradicts the order, means that a database was put back to an older state, or that another program
 * writes to the topic: money may have moved without an order. Dropping it would hide that; it is parked instead,
 * and can be redriven when the order is back.
 */
function unusable(
  { orderId, userId, amountMinor, status }: PaymentResult,
  outcome: Exclude<Settlement, { kind: 'settled' | 'already_settled' }>,
): UnusableResultError {
  switch (outcome.kind) {
    case 'unknown_order':
      return new UnusableResultError(`There is no order ${orderId} that this ${status} result could settle`)
    case 'contradicting':
      return new UnusableResultError(
        `Order ${orderId} is ${outcome.status} already; this result says ${status}`,
      )
    case 'mismatched':
      return new UnusableResultError(
        `Order ${orderId} is of another user or amount than this result: user ${userId}, ${amountMinor} minor units`,
      )
  }
}
