import { type InfiniteData, type QueryClient, useQueryClient } from '@tanstack/react-query'
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react'
import type { Order } from '../api/model.ts'
import { LiveOrders, withEvent } from './live-orders.ts'
import type { StreamState } from './order-stream.ts'
import { refreshMoney } from './refresh-money.ts'
import { runSharedStream } from './shared-stream.ts'

type Live = { orders: LiveOrders; state: StreamState; retryNow(): void }
const LiveContext = createContext<Live | undefined>(undefined)

/** One stream for the whole app. Every page lays its events over what it has fetched. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const [orders] = useState(() => new LiveOrders())
  const [state, setState] = useState<StreamState>({ kind: 'connecting' })
  const [waker] = useState(() => new Waker())

  useEffect(() => {
    const stop = new AbortController()
    const money = refreshMoney(queries)
    let hasOpened = false
    void runSharedStream(
      {
        url: '/api/orders/events',
        onEvent: event => {
          if (orders.take(event)) money.moved(event.user_id)
        },
        onState: next => {
          setState(next)
          // Orders placed elsewhere make no event until they settle, so a connection that is back reads afresh.
          if (next.kind === 'live' && hasOpened) void readAfresh(queries)
          if (next.kind === 'live') hasOpened = true
        },
        onGap: () => void readAfresh(queries),
      },
      ms => waker.pause(ms),
      stop.signal,
    )
    const wake = () => waker.wake()
    window.addEventListener('online', wake)
    return () => {
      window.removeEventListener('online', wake)
      stop.abort()
      money.stop()
    }
  }, [queries, orders, waker])

  const live = useMemo(() => ({ orders, state, retryNow: () => waker.wake() }), [orders, state, waker])
  return <LiveContext value={live}>{children}</LiveContext>
}

/**
 * What was read before may lack what happened meanwhile. A long list begins again at its first page instead of
 * reading fifty pages at once.
 */
function readAfresh(queries: QueryClient) {
  queries.setQueriesData<InfiniteData<unknown>>(
    { queryKey: ['order-list'] },
    list => list && { pages: list.pages.slice(0, 1), pageParams: list.pageParams.slice(0, 1) },
  )
  return queries.invalidateQueries()
}

/** A pause that can be cut short, in whichever tab it is: the network is back, or a person does not want to wait. */
class Waker {
  #end = () => {}
  readonly #tabs = new BroadcastChannel('order-stream-wake')

  constructor() {
    this.#tabs.onmessage = () => this.#end()
  }

  pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#end = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  wake(): void {
    this.#end()
    this.#tabs.postMessage('now')
  }
}

export function useLive(): Live {
  const live = useContext(LiveContext)
  if (!live) throw new Error('useLive belongs inside LiveProvider')
  return live
}

export const useLiveOrders = (): LiveOrders => useLive().orders

/** The order as it is now. Renders again when this order changes, and for no other. */
export function useLiveOrder(live: LiveOrders, order: Order): Order {
  const follow = useCallback((changed: () => void) => live.followOrder(order.id, changed), [live, order.id])
  const event = useSyncExternalStore(follow, () => live.get(order.id))
  return useMemo(() => withEvent(order, event), [order, event])
}
