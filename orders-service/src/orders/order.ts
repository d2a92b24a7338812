/** What decides about orders. Pure: the clock and new ids are arguments. */

export type Reason = 'insufficient_funds' | 'account_not_found'

type Placed = {
  id: string
  /** 1 to 2^53−1, so a number carries it exactly. */
  userId: number
  amountMinor: bigint
  description: string | null
  createdAt: Date
  updatedAt: Date
}
export type OpenOrder = Placed & { status: 'NEW' | 'PENDING_PAYMENT' }
export type FinishedOrder = Placed & { status: 'FINISHED' }
export type CancelledOrder = Placed & { status: 'CANCELLED'; reason: Reason }
export type SettledOrder = FinishedOrder | CancelledOrder
export type Order = OpenOrder | SettledOrder
export type OrderStatus = Order['status']

export type PlaceOrder = Pick<Placed, 'userId' | 'amountMinor' | 'description'>

export type OrderPlaced = { type: 'OrderPlaced'; order: OpenOrder }
export type OrderFinished = { type: 'OrderFinished'; order: FinishedOrder }
export type OrderCancelled = { type: 'OrderCancelled'; order: CancelledOrder }
export type OrderSettled = OrderFinished | OrderCancelled

/** What payments decided about one order. */
export type PaymentResult = { orderId: string; userId: number; amountMinor: bigint } & (
  | { status: 'SUCCESS' }
  | { status: 'FAILED'; reason: Reason }
)

export type Settlement =
  | { kind: 'settled'; event: OrderSettled }
  /** The order ended this way before: the same news again, nothing to do. */
  | { kind: 'already_settled' }
  | { kind: 'unknown_order' }
  /** The order ended the other way before. */
  | { kind: 'contradicting'; status: SettledOrder['status'] }
  /** The result is of another user or amount than the order. */
  | { kind: 'mismatched' }

export function makeOrder(command: PlaceOrder, { id, now }: { id: string; now: Date }): OrderPlaced {
  return {
    type: 'OrderPlaced',
    order: { ...command, id, status: 'NEW', createdAt: now, updatedAt: now },
  }
}

/** The first result settles an open order; a settled order never changes again. */
export function settle(order: Order | undefined, result: PaymentResult, now: Date): Settlement {
  if (order === undefined) return { kind: 'unknown_order' }
  if (order.userId !== result.userId || order.amountMinor !== result.amountMinor)
    return { kind: 'mismatched' }
  const status = result.status === 'SUCCESS' ? 'FINISHED' : 'CANCELLED'
  if (isSettled(order))
    return order.status === status
      ? { kind: 'already_settled' }
      : { kind: 'contradicting', status: order.status }
  return result.status === 'SUCCESS'
    ? {
        kind: 'settled',
        event: { type: 'OrderFinished', order: { ...order, status: 'FINISHED', updatedAt: now } },
      }
    : {
        kind: 'settled',
        event: {
          type: 'OrderCancelled',
          order: { ...order, status: 'CANCELLED', reason: result.reason, updatedAt: now },
        },
      }
}

export const isSettled = (order: Order): order is SettledOrder =>
  order.status === 'FINISHED' || order.status === 'CANCELLED'
