import { type Static, Type } from 'typebox'
import { Amount } from '../money.ts'
import { UserId } from '../user-id.ts'

/**
 * What is in the topics: the types of the code that publishes, docs/asyncapi.json, and what tests hold both to.
 * Readers ignore fields that they do not know. May only gain optional fields: docs/contracts.md.
 */

const Uuid = (description: string) => Type.String({ format: 'uuid', description })
const Time = (description: string) => Type.String({ format: 'date-time', description })
const declined = ['insufficient_funds', 'account_not_found'] as const

export const OrderPaymentTask = Type.Object({
  order_id: Uuid('Of the order; the id of the message where it has no ce_id'),
  user_id: UserId,
  amount: Amount,
  description: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'Decides nothing' }),
})
export type OrderPaymentTask = Static<typeof OrderPaymentTask>

export const PaymentStatusUpdate = Type.Object({
  payment_id: Uuid('Of the payment'),
  order_id: Uuid('Of the order; the id of the message where it has no ce_id'),
  user_id: UserId,
  amount: Amount,
  status: Type.Enum(['SUCCESS', 'FAILED'], { description: 'FAILED: declined, and nothing was debited' }),
  timestamp: Time('When it was decided'),
  error: Type.Optional(Type.Enum([...declined], { description: 'Why it FAILED' })),
})
export type PaymentStatusUpdate = Static<typeof PaymentStatusUpdate>

export const OrderStatusUpdate = Type.Object({
  order_id: Uuid('Of the order'),
  user_id: UserId,
  amount: Amount,
  status: Type.Enum(['FINISHED', 'CANCELLED'], { description: 'For good' }),
  reason: Type.Optional(Type.Enum([...declined], { description: 'Why it was CANCELLED' })),
  timestamp: Time('When it was settled'),
})
export type OrderStatusUpdate = Static<typeof OrderStatusUpdate>

/** `events` are what ce_type may be. */
export const topics = {
  order_payment_tasks: {
    from: 'orders-service',
    about: 'Asks for the payment of an order.',
    events: ['OrderPlaced'],
    payload: OrderPaymentTask,
  },
  payment_status_updates: {
    from: 'payments-service',
    about: 'Tells how the payment of an order ended.',
    events: ['PaymentCompleted', 'PaymentDeclined'],
    payload: PaymentStatusUpdate,
  },
  order_status_updates: {
    from: 'orders-service',
    about: 'Tells how an order ended.',
    events: ['OrderFinished', 'OrderCancelled'],
    payload: OrderStatusUpdate,
  },
} as const
export type Topic = keyof typeof topics
