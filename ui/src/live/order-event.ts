import type { OrderStatus, Reason } from '../api/model.ts'

/** The payload of `order_status_updates`, as the stream brings it. */
export type OrderEvent = {
  order_id: string
  user_id: number
  amount: number
  status: OrderStatus
  reason?: Reason
  timestamp: string
}

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
