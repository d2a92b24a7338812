import { decimalFromMinor } from 'edge/money'
import type { OutboxEvent } from 'messaging/event'
import { outboxFor } from 'messaging/outbox'
import type { OrderPlaced, OrderSettled } from './order.ts'

/** Asks payments to pay for an order. */
export type OrderPaymentTask = OutboxEvent<
  'OrderPlaced',
  'order_payment_tasks',
  { order_id: string; user_id: number; amount: number; description: string | null }
>
/** Tells everyone how an order ended. */
export type OrderStatusUpdate = OutboxEvent<
  'OrderFinished' | 'OrderCancelled',
  'order_status_updates',
  { order_id: string; user_id: number; amount: number; status: string; reason?: string; timestamp: string }
>

export const appendToOutbox = outboxFor<OrderPaymentTask | OrderStatusUpdate>()

/** Keyed by user: one user's orders are paid in the order placed. */
export const paymentTask = ({ type, order }: OrderPlaced): OrderPaymentTask => ({
  type,
  topic: 'order_payment_tasks',
  key: String(order.userId),
  aggregateType: 'order',
  aggregateId: order.id,
  payload: {
    order_id: order.id,
    user_id: order.userId,
    amount: decimalFromMinor(order.amountMinor),
    description: order.description,
  },
})

export const statusUpdate = ({ type, order }: OrderSettled): OrderStatusUpdate => ({
  type,
  topic: 'order_status_updates',
  key: String(order.userId),
  aggregateType: 'order',
  aggregateId: order.id,
  payload: {
    order_id: order.id,
    user_id: order.userId,
    amount: decimalFromMinor(order.amountMinor),
    status: order.status,
    ...(order.status === 'CANCELLED' && { reason: order.reason }),
    timestamp: order.updatedAt.toISOString(),
  },
})
