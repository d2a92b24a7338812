import type { Order } from '../api/model.ts'
import type { OrderEvent } from './order-event.ts'

type Listener = () => void

const progress = { NEW: 0, PENDING_PAYMENT: 1, FINISHED: 2, CANCELLED: 2 }

/** The order as known from both sources. An order never goes back: an answer read before the event changes nothing. */
export function withEvent(order: Order, event: OrderEvent | undefined): Order {
  if (!event || progress[event.status] <= progress[order.status]) return order
  const { reason: _, ...rest } = order
  return {
    ...rest,
    status: event.status,
    updated_at: event.timestamp,
    ...(event.reason && { reason: event.reason }),
  }
}

/**
 * The newest event of each order, to lay over whatever a page has fetched. Each order is followed by itself, so
 * that an event renders one row and not the list.
 */
export class LiveOrders {
  readonly heldMax: number
  #events = new Map<string, OrderEvent>()
  #byOrder = new Map<string, Set<Listener>>()
  #all = new Set<(event: OrderEvent) => void>()

  constructor(heldMax = 50_000) {
    this.heldMax = heldMax
  }

  /** False for an event that is known already: a resumed stream may repeat itself. */
  take(event: OrderEvent): boolean {
    const known = this.#events.get(event.order_id)
    if (known && progress[event.status] <= progress[known.status]) return false
    this.#events.delete(event.order_id)
    this.#events.set(event.order_id, event)
    if (this.#events.size > this.heldMax) this.#events.delete(this.#events.keys().next().value as string)
    for (const listener of this.#byOrder.get(event.order_id) ?? []) listener()
    for (const listener of this.#all) listener(event)
    return true
  }

  get(orderId: string): OrderEvent | undefined {
    return this.#events.get(orderId)
  }

  followOrder(orderId: string, listener: Listener): () => void {
    const listeners = this.#byOrder.get(orderId) ?? new Set()
    this.#byOrder.set(orderId, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#byOrder.delete(orderId)
    }
  }

  followAll(listener: (event: OrderEvent) => void): () => void {
    this.#all.add(listener)
    return () => this.#all.delete(listener)
  }
}
