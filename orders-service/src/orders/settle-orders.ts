import type { Transaction } from 'kysely'
import type { ConsumerDefinition, Message } from 'messaging/consumer'
import { failpointsOf } from 'messaging/failpoint'
import type { Log } from 'messaging/log'
import type { OrdersDatabase } from '../database.ts'
import { type Order, type PaymentResult, type SettledOrder, type Settlement, settle } from './order.ts'
import { appendToOutbox, statusUpdate } from './order-events.ts'
import { lockOrders, type SettledRow, updateOrders } from './order-rows.ts'
import { decodePaymentResult } from './payment-result.ts'

const failpoint = failpointsOf<'settle.locked' | 'settle.updated'>()

/** Inbox rows and the committed offsets of the Kafka group are kept under this name: never change it. */
export const settleOrdersName = 'orders.settle'
export const resultsTopic = 'payment_status_updates'

/** A result that no order can be settled with: parked by the consumer, where a person sees it. */
class UnusableResultError extends Error {
  override name = 'UnusableResultError'
}

/** Settles orders with the results of their payments. */
export function settleOrdersConsumer({
  log,
  clock,
  onSettled = () => undefined,
}: {
  log: Log
  clock: () => Date
  /** Before the commit, for metrics. Must not throw. */
  onSettled?: (orders: SettledOrder[]) => void
}): ConsumerDefinition<OrdersDatabase, PaymentResult, Map<string, Order>> {
  return {
    name: settleOrdersName,
    topics: [resultsTopic],
    decode: decodePaymentResult,
    lock: (trip, messages) => lockOrders(trip, new Set(messages.map(({ payload }) => payload.orderId))),
    async handle(trx, messages, orders) {
      onSettled(await settleOrders(trx, messages, orders, clock(), log))
    },
  }
}

type Settled = SettledRow & { traceparent: string | undefined }

/** The same statements for one result or many. Answers the orders that it settled. */
async function settleOrders(
  trx: Transaction<OrdersDatabase>,
  messages: Message<PaymentResult>[],
  orders: Map<string, Order>,
  now: Date,
  log: Log,
): Promise<SettledOrder[]> {
  await failpoint('settle.locked')
  const settled: Settled[] = []
  for (const { eventId, payload, source } of messages) {
    const outcome = settle(orders.get(payload.orderId), payload, now)
    if (outcome.kind === 'already_settled') continue
    if (outcome.kind === 'unknown_order') {
      logUnknown(log, payload, eventId)
      continue
    }
    if (outcome.kind !== 'settled') throw unusable(payload, outcome)
    orders.set(payload.orderId, outcome.event.order)
    settled.push({
      event: outcome.event,
      resultEventId: eventId,
      traceparent: source.headers.traceparent,
    })
  }
  if (settled.length === 0) return []
  await updateOrders(trx, settled)
  await failpoint('settle.updated')
  await appendToOutbox(
    trx,
    settled.map(({ event, traceparent }) => statusUpdate(event, traceparent)),
  )
  return settled.map(({ event }) => event.order)
}

/**
 * The topics are shared: other programs have orders of their own paid, and their results pass by here. To park them
 * would make this user's next order wait behind somebody else's. What it may hide, an orders database put back to an
 * older state, shows as payments without an order; hence a warning with all there is to find it by.
 */
function logUnknown(
  log: Log,
  { orderId, userId, amountMinor, status }: PaymentResult,
  eventId: string,
): void {
  const details = {
    order_id: orderId,
    event_id: eventId,
    user_id: userId,
    amount_minor: String(amountMinor),
    status,
  }
  log.warn(
    details,
    'A payment result is of no order here; it was left out. Another program may have asked for it',
  )
}

/** A result that contradicts its order: money may have moved wrongly, so a person has to see it. */
function unusable(
  { orderId, userId, amountMinor, status }: PaymentResult,
  outcome: Extract<Settlement, { kind: 'contradicting' | 'mismatched' }>,
): UnusableResultError {
  return new UnusableResultError(
    outcome.kind === 'contradicting'
      ? `Order ${orderId} is ${outcome.status} already; this result says ${status}`
      : `Order ${orderId} is of another user or amount than this result: user ${userId}, ${amountMinor} minor units`,
  )
}
