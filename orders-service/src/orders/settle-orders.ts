import { sql, type Transaction } from 'kysely'
import type { ConsumerDefinition, Message } from 'messaging/consumer'
import { type OrdersDatabase, orderFromRow } from '../database.ts'
import { type Order, type OrderSettled, type PaymentResult, type Settlement, settle } from './order.ts'
import { appendToOutbox, statusUpdate } from './order-events.ts'
import { decodePaymentResult } from './payment-result.ts'

/** Inbox rows and the committed offsets of the Kafka group are kept under this name: never change it. */
export const settleOrdersName = 'orders.settle'
export const resultsTopic = 'payment_status_updates'

/** A result that no order can be settled with: parked by the consumer, where a person sees it. */
export class UnusableResultError extends Error {
  override name = 'UnusableResultError'
}

/** Settles orders with the results of their payments. */
export function settleOrdersConsumer({
  clock,
  afterCommit,
}: {
  clock: () => Date
  afterCommit: () => void
}): ConsumerDefinition<OrdersDatabase, PaymentResult> {
  return {
    name: settleOrdersName,
    topics: [resultsTopic],
    decode: decodePaymentResult,
    handle: (trx, messages) => settleOrders(trx, messages, clock()),
    afterCommit,
  }
}

type Settled = { event: OrderSettled; resultEventId: string; traceparent: string | undefined }

/** The same three statements for one result or many. */
async function settleOrders(
  trx: Transaction<OrdersDatabase>,
  messages: Message<PaymentResult>[],
  now: Date,
): Promise<void> {
  const orders = await lockOrders(trx, new Set(messages.map(({ payload }) => payload.orderId)))
  const settled: Settled[] = []
  for (const { eventId, payload, source } of messages) {
    const outcome = settle(orders.get(payload.orderId), payload, now)
    if (outcome.kind === 'already_settled') continue
    if (outcome.kind !== 'settled') throw unusable(payload, outcome)
    orders.set(payload.orderId, outcome.event.order)
    settled.push({
      event: outcome.event,
      resultEventId: eventId,
      traceparent: source.headers.traceparent,
    })
  }
  if (settled.length === 0) return
  await updateOrders(trx, settled)
  await appendToOutbox(
    trx,
    settled.map(({ event, traceparent }) => statusUpdate(event, traceparent)),
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
