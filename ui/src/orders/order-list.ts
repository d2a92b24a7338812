import type { Order, OrderStatus } from '../api/model.ts'
import type { OrderEvent } from '../live/order-event.ts'

export type OrderFilter = { status?: OrderStatus | undefined; userId?: number | undefined }
export type OrderPage = { orders: Order[]; next: string | undefined }

/**
 * Joins pages that were read at different times into one list, newest first. Ids are UUIDv7, so their order is the
 * order of placing. Every order is there once, and as the object it was, so that only changed rows render.
 */
export function joinPages(pages: Order[][]): Order[] {
  const byId = new Map<string, Order>()
  for (const order of pages.flat()) {
    const known = byId.get(order.id)
    if (!known || known.updated_at < order.updated_at) byId.set(order.id, order)
  }
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1))
}

/** Gives for an order the object that is known already, where nothing about it is newer. */
export function keepKnownOrders(known: Order[]): (order: Order) => Order {
  const byId = new Map(known.map(order => [order.id, order]))
  return order => {
    const kept = byId.get(order.id)
    return kept && kept.updated_at >= order.updated_at ? kept : order
  }
}

/** What the list shows under its filter. An order that settles leaves the list of the pending ones. */
export function visibleOrders(
  orders: Order[],
  eventOf: (id: string) => OrderEvent | undefined,
  { status }: OrderFilter,
): Order[] {
  if (status === undefined) return orders
  return orders.filter(order => {
    const event = eventOf(order.id)
    const settledSince = event && isOpen(order.status)
    return (settledSince ? event.status : order.status) === status
  })
}

/** Whether an event tells of an order that belongs in the list and is not in it. */
export function isMissing(event: OrderEvent, orders: Order[], { status, userId }: OrderFilter): boolean {
  if (userId !== undefined && event.user_id !== userId) return false
  if (status !== undefined && event.status !== status) return false
  const newest = orders[0]
  // Older ones are on pages further down, not yet read.
  return newest === undefined || event.order_id > newest.id || !isInOrder(orders, event.order_id)
}

function isInOrder(orders: Order[], id: string): boolean {
  const oldest = orders[orders.length - 1]
  if (oldest === undefined || id < oldest.id) return true
  let [from, to] = [0, orders.length - 1]
  while (from <= to) {
    const middle = (from + to) >> 1
    const found = (orders[middle] as Order).id
    if (found === id) return true
    if (found > id) from = middle + 1
    else to = middle - 1
  }
  return false
}

export const isOpen = (status: OrderStatus): boolean => status === 'NEW' || status === 'PENDING_PAYMENT'
