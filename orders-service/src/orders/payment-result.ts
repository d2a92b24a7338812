import { parseJsonExactly } from 'edge/json'
import { amountMinorMax, minorFromDecimal } from 'edge/money'
import type { Decoded } from 'messaging/consumer'
import type { PaymentResult, Reason } from './order.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Reads the bytes of a result, of ours or of another program: unknown fields are ignored, and so are the payment's
 * id and time, which decide nothing. The order id is the message's id where it has none of its own. Pure.
 */
export function decodePaymentResult({ value }: { value: Buffer | null }): Decoded<PaymentResult> {
  if (value === null || value.length === 0) return refused('the message is empty')
  let json: unknown
  try {
    json = parseJsonExactly(value)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return refused(`the value is not JSON: ${error.message}`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return refused('the value is not a JSON object')

  const { order_id, user_id, amount, status, error } = json as Record<string, unknown>
  if (typeof order_id !== 'string' || !uuid.test(order_id)) return refused('order_id is not a UUID')
  if (typeof user_id !== 'number' || !Number.isSafeInteger(user_id) || user_id < 1)
    return refused('user_id is not an integer from 1 to 2^53-1')
  const amountMinor = typeof amount === 'number' ? minorFromDecimal(amount) : undefined
  if (amountMinor === undefined) return refused('amount is not a number with at most two fraction digits')
  if (amountMinor < 1n || amountMinor > amountMinorMax)
    return refused('amount is not between 0.01 and 9999999999.99')

  // One spelling per order: the database answers in small letters.
  const orderId = order_id.toLowerCase()
  const about = { orderId, userId: user_id, amountMinor }
  switch (status) {
    case 'SUCCESS':
      return { ok: true, id: orderId, payload: { ...about, status } }
    case 'FAILED':
      return { ok: true, id: orderId, payload: { ...about, status, reason: reasonOf(error) } }
    default:
      return refused('status is neither SUCCESS nor FAILED')
  }
}

const refused = (reason: string) => ({ ok: false as const, reason })

const holder = '(account|user|wallet|customer)'
const missingAccount = new RegExp(
  `\\b(no|no such|unknown|missing|nonexistent) ${holder}\\b` +
    `|\\b${holder}\\b.* (not found|not exist|missing|unknown)\\b`,
)

/**
 * The reason behind the error of a failed payment. Our payments send the two codes themselves; other programs send
 * what they like. Their FAILED must cancel the order all the same, and the contract knows two reasons, so a text
 * that says there is no account means that, and anything else that the payment could not be made.
 */
export function reasonOf(error: unknown): Reason {
  const words = typeof error === 'string' ? error.toLowerCase().replace(/[^a-z]+/g, ' ') : ''
  return missingAccount.test(words) ? 'account_not_found' : 'insufficient_funds'
}
