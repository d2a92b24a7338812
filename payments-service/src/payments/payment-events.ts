import type * as messages from 'edge/contracts/messages'
import { decimalFromMinor } from 'edge/money'
import type { OutboxEvent } from 'messaging/event'
import { outboxFor } from 'messaging/outbox'
import type { Payment } from './payment.ts'

export const resultsTopic = 'payment_status_updates'

/** Tells orders how the payment of an order ended. */
export type PaymentStatusUpdate = OutboxEvent<
  'PaymentCompleted' | 'PaymentDeclined',
  typeof resultsTopic,
  messages.PaymentStatusUpdate
>

export const appendToOutbox = outboxFor<PaymentStatusUpdate>()

/** Keyed by the user of the task, also where the task itself came without a key. */
export function statusUpdate(payment: Payment): PaymentStatusUpdate {
  const { task } = payment
  const completed = payment.status === 'COMPLETED'
  return {
    type: completed ? 'PaymentCompleted' : 'PaymentDeclined',
    topic: resultsTopic,
    key: String(task.userId),
    aggregateType: 'order',
    aggregateId: task.orderId,
    payload: {
      payment_id: payment.id,
      order_id: task.orderId,
      user_id: task.userId,
      amount: decimalFromMinor(task.amountMinor),
      status: completed ? 'SUCCESS' : 'FAILED',
      timestamp: payment.createdAt.toISOString(),
      ...(payment.status === 'DECLINED' && { error: payment.reason }),
    },
    ...(task.traceparent !== undefined && { headers: { traceparent: task.traceparent } }),
  }
}
