import { type Static, Type } from 'typebox'
import { Amount } from '../money.ts'
import { UserId } from '../user-id.ts'

/**
 * What each consumer reads of a topic, and no more: written by the consumer, whose tests hold its decoder to it, and
 * verified by the provider's tests. Changing one of these is asking the other side for something.
 */

const Uuid = Type.String({ format: 'uuid' })
const about = { order_id: Uuid, user_id: UserId, amount: Amount }

export const PaymentTaskRead = Type.Object(about)

export const PaymentResultRead = Type.Object({
  ...about,
  status: Type.Enum(['SUCCESS', 'FAILED']),
  error: Type.Optional(Type.String()),
})

export const OrderEventRead = Type.Object({
  order_id: Type.String(),
  user_id: Type.Integer(),
  status: Type.String(),
})

/** The gateway passes the payload on as it is; this is what the browser makes of it. */
export const OrderEventShown = Type.Object({
  order_id: Type.String(),
  user_id: Type.Number(),
  amount: Type.Number(),
  status: Type.Enum(['NEW', 'PENDING_PAYMENT', 'FINISHED', 'CANCELLED']),
  reason: Type.Optional(Type.Enum(['insufficient_funds', 'account_not_found'])),
  timestamp: Type.String({ format: 'date-time' }),
})
export type OrderEventShown = Static<typeof OrderEventShown>

export const readers = [
  { consumer: 'payments-service', topic: 'order_payment_tasks', reads: PaymentTaskRead },
  { consumer: 'orders-service', topic: 'payment_status_updates', reads: PaymentResultRead },
  { consumer: 'gateway', topic: 'order_status_updates', reads: OrderEventRead },
  { consumer: 'ui', topic: 'order_status_updates', reads: OrderEventShown },
] as const
