import { EventSource } from 'eventsource'

export type OrderEvent = {
  order_id: string
  user_id: number
  amount: number
  status: string
  reason?: string
}

/** Follows the live events as a browser would, reconnecting by itself, and keeps all that came. */
export class OrderEvents {
  readonly #source: EventSource
  readonly events: OrderEvent[] = []
  lastId: string | undefined
  resyncs = 0
  connections = 0

  constructor(gatewayUrl: string, { userId, lastId }: { userId?: number; lastId?: string } = {}) {
    const query = userId === undefined ? '' : `?user_id=${userId}`
    this.#source = new EventSource(`${gatewayUrl}/orders/events${query}`, {
      fetch: (input, init) => {
        const headers = new Headers(init.headers)
        if (lastId !== undefined && !headers.has('last-event-id')) headers.set('last-event-id', lastId)
        return fetch(input, { ...init, headers } as RequestInit)
      },
    })
    this.#source.addEventListener('open', () => {
      this.connections++
    })
    this.#source.addEventListener('order', ({ data, lastEventId }) => {
      this.lastId = lastEventId
      this.events.push(JSON.parse(data))
    })
    this.#source.addEventListener('resync', () => {
      this.resyncs++
    })
  }

  get isOpen(): boolean {
    return this.#source.readyState === EventSource.OPEN
  }

  ordersOf(userId: number): string[] {
    return this.events.filter(({ user_id }) => user_id === userId).map(({ order_id }) => order_id)
  }

  close(): void {
    this.#source.close()
  }
}
