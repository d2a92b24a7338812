import { parseJsonExactly } from 'edge/json'
import { amountMinorMax, minorFromDecimal } from 'edge/money'
import type { Decoded } from 'messaging/consumer'

/** An order to pay, as `order_payment_tasks` tells it. */
export type PaymentTask = { orderId: string; userId: number; amountMinor: bigint }

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Reads the bytes of a task, of ours or of another program: unknown fields are ignored, and so is the description,
 * which decides nothing. The order id is the message's id where it has none of its own. Pure.
 */
export function decodePaymentTask({ value }: { value: Buffer | null }): Decoded<PaymentTask> {
  if (value === null || value.length === 0) return refused('the message is empty')
  let json: unknown
  try {
    json = parseJsonExactly(value)
  } catch (error) {
    return refused(`the value is not JSON: ${(error as Error).message}`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return refused('the value is not a JSON object')

  const { order_id, user_id, amount } = json as Record<string, unknown>
  if (typeof order_id !== 'string' || !uuid.test(order_id)) return refused('order_id is not a UUID')
  if (typeof user_id !== 'number' || !Number.isSafeInteger(user_id) || user_id < 1)
    return refused('user_id is not an integer from 1 to 2^53-1')
  const amountMinor = typeof amount === 'number' ? minorFromDecimal(amount) : undefined
  if (amountMinor === undefined) return refused('amount is not a number with at most two fraction digits')
  if (amountMinor < 1n || amountMinor > amountMinorMax)
    return refused('amount is not between 0.01 and 9999999999.99')

  // One spelling per order, so that no payment is made twice for want of a capital letter.
  const orderId = order_id.toLowerCase()
  return { ok: true, id: orderId, payload: { orderId, userId: user_id, amountMinor } }
}

const refused = (reason: string) => ({ ok: false as const, reason })
