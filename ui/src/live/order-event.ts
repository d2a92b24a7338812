import type { OrderEventShown } from 'edge/contracts/consumers'

/** The payload of `order_status_updates`, as the stream brings it. */
export type OrderEvent = OrderEventShown

const statuses = new Set(['NEW', 'PENDING_PAYMENT', 'FINISHED', 'CANCELLED'])

/** Undefined for what is no such payload: one odd event must not end the stream. */
export function parseOrderEvent(data: string): OrderEvent | undefined {
  try {
    const event = JSON.parse(data)
    const isOne =
      typeof event?.order_id === 'string' && typeof event.user_id === 'number' && statuses.has(event.status)
    return isOne ? event : undefined
  } catch {
    return undefined
  }
}
