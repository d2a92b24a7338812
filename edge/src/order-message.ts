import { parseJsonExactly } from './json.ts'
import { amountMinorMax, minorFromDecimal } from './money.ts'

/** What every message about an order says, whoever sent it; `fields` are all there are, as they came. */
export type OrderMessage = {
  orderId: string
  userId: number
  amountMinor: bigint
  fields: Record<string, unknown>
}
export type OrderMessageRead = { ok: true; message: OrderMessage } | { ok: false; reason: string }

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Reads the bytes of a message of ours or of another program: unknown fields do not matter. Pure. */
export function readOrderMessage(value: Buffer | null): OrderMessageRead {
  if (value === null || value.length === 0) return unreadable('the message is empty')
  let json: unknown
  try {
    json = parseJsonExactly(value)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return unreadable(`the value is not JSON: ${error.message}`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return unreadable('the value is not a JSON object')

  const fields = json as Record<string, unknown>
  const { order_id, user_id, amount } = fields
  if (typeof order_id !== 'string' || !uuid.test(order_id)) return unreadable('order_id is not a UUID')
  if (typeof user_id !== 'number' || !Number.isSafeInteger(user_id) || user_id < 1)
    return unreadable('user_id is not an integer from 1 to 2^53-1')
  const amountMinor = typeof amount === 'number' ? minorFromDecimal(amount) : undefined
  if (amountMinor === undefined) return unreadable('amount is not a number with at most two fraction digits')
  if (amountMinor < 1n || amountMinor > amountMinorMax)
    return unreadable('amount is not between 0.01 and 9999999999.99')

  // One spelling per order, so that no payment is made twice for want of a capital letter.
  return { ok: true, message: { orderId: order_id.toLowerCase(), userId: user_id, amountMinor, fields } }
}

const unreadable = (reason: string) => ({ ok: false as const, reason })
