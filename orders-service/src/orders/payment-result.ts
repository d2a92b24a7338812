import { readOrderMessage } from 'edge/order-message'
import type { Decoded } from 'messaging/consumer'
import type { PaymentResult, Reason } from './order.ts'

/**
 * Reads a result. The payment's id and time decide nothing and are ignored. The order id is the message's id where it
 * has none of its own. Pure.
 */
export function decodePaymentResult({ value }: { value: Buffer | null }): Decoded<PaymentResult> {
  const read = readOrderMessage(value)
  if (!read.ok) return read
  const { orderId, userId, amountMinor, fields } = read.message
  const about = { orderId, userId, amountMinor }
  switch (fields.status) {
    case 'SUCCESS':
      return { ok: true, id: orderId, payload: { ...about, status: fields.status } }
    case 'FAILED':
      return {
        ok: true,
        id: orderId,
        payload: { ...about, status: fields.status, reason: reasonOf(fields.error) },
      }
    default:
      return { ok: false, reason: 'status is neither SUCCESS nor FAILED' }
  }
}

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
