import { Amount, decimalFromMinor } from 'edge/money'
import { UserId } from 'edge/user-id'
import { storableText } from 'edge/validation'
import { type Static, Type } from 'typebox'
import type { Order, OrderStatus, Reason } from './order.ts'

const orderStatuses: OrderStatus[] = ['NEW', 'PENDING_PAYMENT', 'FINISHED', 'CANCELLED']
const reasons: Reason[] = ['insufficient_funds', 'account_not_found']

export const OrderId = Type.String({
  format: 'uuid',
  description: 'UUIDv7',
  examples: ['0199f3a5-7d1c-7a52-9c0e-5b7f3f1f0a11'],
})
export const Status = Type.Unsafe<OrderStatus>({
  type: 'string',
  enum: orderStatuses,
  description: 'NEW until payments have decided, then FINISHED or CANCELLED for good',
})

export const NewOrder = Type.Object(
  {
    user_id: UserId,
    amount: Amount,
    description: Type.Optional(Type.String({ ...storableText, maxLength: 1000, examples: ['Two books'] })),
  },
  { additionalProperties: false },
)

export const OrderSchema = Type.Object(
  {
    id: OrderId,
    user_id: UserId,
    amount: Type.Number({ examples: [10.5] }),
    description: Type.Unsafe<string | null>({ type: ['string', 'null'], examples: ['Two books'] }),
    status: Status,
    reason: Type.Optional(
      Type.Unsafe<Reason>({ type: 'string', enum: reasons, description: 'Why it was CANCELLED' }),
    ),
    created_at: Type.String({ format: 'date-time', examples: ['2026-05-04T09:30:00.000Z'] }),
    updated_at: Type.String({ format: 'date-time', examples: ['2026-05-04T09:30:00.012Z'] }),
  },
  { $id: 'Order' },
)
/** The schema, where the app knows it. */
export const OrderRef = Type.Unsafe<Record<string, unknown>>({ $ref: 'Order#' })
export type OrderAnswer = Static<typeof OrderSchema>

export const orderAnswer = (order: Order): OrderAnswer => ({
  id: order.id,
  user_id: order.userId,
  amount: decimalFromMinor(order.amountMinor),
  description: order.description,
  status: order.status,
  ...(order.status === 'CANCELLED' && { reason: order.reason }),
  created_at: order.createdAt.toISOString(),
  updated_at: order.updatedAt.toISOString(),
})
