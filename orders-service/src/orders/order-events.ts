import type * as messages from 'edge/contracts/messages'
import { decimalFromMinor } from 'edge/money'
import type { OutboxEvent } from 'messaging/event'
import { outboxFor } from 'messaging/outbox'
import type { OrderPlaced, OrderSettled } from './order.ts'

export const tasksTopic = 'order_payment_tasks'
export const statusTopic = 'order_status_updates'

/** Asks payments to pay for an order. */
export type OrderPaymentTask = OutboxEvent<'OrderPlaced', typeof tasksTopic, messages.OrderPaymentTask>
/** Tells everyone how an order ended. */
export type OrderStatusUpdate = OutboxEvent<
  'OrderFinished' | 'OrderCancelled',
  typeof statusTopic,
  messages.OrderStatusUpdate
>

export const appendToOutbox = outboxFor<OrderPaymentTask | OrderStatusUpdate>()

/** Keyed by user: one user's orders are paid in the order placed. */
export const paymentTask = ({ type, order }: OrderPlaced, traceparent?: string): OrderPaymentTask => ({
  type,
  topic: tasksTopic,
  key: String(order.userId),
  aggregateType: 'order',
  aggregateId: order.id,
  payload: {
    order_id: order.id,
    user_id: order.userId,
    amount: decimalFromMinor(order.amountMinor),
    description: order.description,
  },
  ...headers(traceparent),
})

export const statusUpdate = ({ type, order }: OrderSettled, traceparent?: string): OrderStatusUpdate => ({
  type,
  topic: statusTopic,
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
  ...headers(traceparent),
})

/** W3C trace context goes with the order from its request through all its messages. */
const headers = (traceparent: string | undefined) => traceparent !== undefined && { headers: { traceparent } }
