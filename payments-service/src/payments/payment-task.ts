import { readOrderMessage } from 'edge/order-message'
import type { Decoded } from 'messaging/consumer'

/** An order to pay, as `order_payment_tasks` tells it. */
export type PaymentTask = { orderId: string; userId: number; amountMinor: bigint }

/**
 * Reads a task. The description decides nothing and is ignored. The order id is the message's id where it has none of
 * its own. Pure.
 */
export function decodePaymentTask({ value }: { value: Buffer | null }): Decoded<PaymentTask> {
  const read = readOrderMessage(value)
  if (!read.ok) return read
  const { orderId, userId, amountMinor } = read.message
  return { ok: true, id: orderId, payload: { orderId, userId, amountMinor } }
}
