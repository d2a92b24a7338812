import { type InfiniteData, type QueryClient, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import type { Order } from '../api/model.ts'
import type { OrderFilter, OrderPage } from '../orders/order-list.ts'
import { type OnItsWay, PlacementDesk } from './placement-desk.ts'

const DeskContext = createContext<PlacementDesk | undefined>(undefined)

export function DeskProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const [desk] = useState(
    () => new PlacementDesk({ store: sessionStorage, onPlaced: order => addToLists(queries, order) }),
  )
  useEffect(() => desk.resume(), [desk])
  return <DeskContext value={desk}>{children}</DeskContext>
}

export function useDesk(): PlacementDesk {
  const desk = useContext(DeskContext)
  if (!desk) throw new Error('useDesk belongs inside DeskProvider')
  return desk
}

export function useOnTheirWay(): OnItsWay[] {
  const desk = useDesk()
  return useSyncExternalStore(desk.subscribe, () => desk.onTheirWay)
}

/** An order placed here is shown at once, not when the list is read next. */
function addToLists(queries: QueryClient, order: Order): void {
  queries.setQueryData(['order', order.id], order)
  const lists = queries.getQueriesData<InfiniteData<OrderPage>>({ queryKey: ['order-list'] })
  for (const [key, list] of lists) {
    const { status, userId } = key[1] as OrderFilter
    const [first, ...rest] = list?.pages ?? []
    if (!list || !first || (status && status !== order.status) || (userId && userId !== order.user_id))
      continue
    queries.setQueryData(key, { ...list, pages: [{ ...first, orders: [order, ...first.orders] }, ...rest] })
  }
}
