import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { fetchOrders } from '../api/gateway.ts'
import type { Order } from '../api/model.ts'
import { useLiveOrders } from '../live/live-context.tsx'
import {
  isMissing,
  joinPages,
  keepKnownOrders,
  type OrderFilter,
  type OrderPage,
  visibleOrders,
} from './order-list.ts'

/** The most that the API gives at once: a long way down is as few questions as can be. */
const pageSize = 200
/** How far down orders are looked for that an event told of; what lies deeper is on pages not yet read. */
const catchUpPagesMax = 10
const catchUpEveryMs = 400
/** Orders placed elsewhere make no event until they settle, so the top of the list is also asked for. */
const lookAgainMs = 5_000

type List = InfiniteData<OrderPage, string | undefined>

/** Orders under a filter, newest first: pages on demand, and what happens meanwhile joins at its place. */
export function useOrderList(filter: OrderFilter, options: { limit?: number } = {}) {
  const { limit = pageSize } = options
  const { status, userId } = filter
  const live = useLiveOrders()
  const key = useMemo(() => ['order-list', { status, userId, limit }], [status, userId, limit])
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => fetchOrders({ status, userId }, { limit, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => page.next,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    // The library's own way compares by position, and one order more at the top moves them all.
    structuralSharing: (known, read) => keepKnown(known as List | undefined, read as List),
  })
  const pages = query.data?.pages
  const all = useMemo(() => joinPages((pages ?? []).map(page => page.orders)), [pages])

  const isRead = pages !== undefined
  useCatchUp(key, { status, userId }, limit, all, isRead)
  const settledCount = useSettledCount(status !== undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: settledCount tells that `live` has changed
  const orders = useMemo(
    () => visibleOrders(all, id => live.get(id), { status }),
    [all, live, status, settledCount],
  )
  return { ...query, orders }
}

/** Renders a list again as orders settle, at most once a frame; only lists by status depend on that. */
function useSettledCount(isNeeded: boolean): number {
  const live = useLiveOrders()
  const [count, setCount] = useState(0)
  useEffect(() => {
    if (!isNeeded) return
    let frame = 0
    const unfollow = live.followAll(() => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        setCount(count => count + 1)
      })
    })
    return () => {
      cancelAnimationFrame(frame)
      unfollow()
    }
  }, [live, isNeeded])
  return count
}

function useCatchUp(key: unknown[], filter: OrderFilter, limit: number, orders: Order[], isRead: boolean) {
  const live = useLiveOrders()
  const queries = useQueryClient()
  const current = useRef({ filter, orders })
  current.current = { filter, orders }

  const catchUp = useCallback(
    async (untilId: string) => {
      const { filter } = current.current
      const found = await ordersDownTo(untilId, filter, limit)
      queries.setQueryData<List>(key, list => list && joinFirstPage(list, found))
    },
    [queries, key, limit],
  )

  useEffect(() => {
    if (!isRead) return
    let untilId: string | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async () => {
      const wanted = untilId
      untilId = undefined
      // A failure is not said here: the next event or look brings the same orders.
      if (wanted !== undefined) await catchUp(wanted).catch(() => undefined)
      timer = undefined
      if (untilId !== undefined) timer = setTimeout(look, catchUpEveryMs)
    }
    const want = (id: string) => {
      if (untilId === undefined || id < untilId) untilId = id
      timer ??= setTimeout(look, catchUpEveryMs)
    }
    const unfollow = live.followAll(event => {
      const { orders, filter } = current.current
      if (isMissing(event, orders, filter)) want(event.order_id)
    })
    const again = setInterval(() => {
      if (document.visibilityState === 'visible') want(current.current.orders[0]?.id ?? '~')
    }, lookAgainMs)
    return () => {
      unfollow()
      clearInterval(again)
      clearTimeout(timer)
    }
  }, [live, catchUp, isRead])
}

/** From the newest order down to the page that reaches `untilId`, at most catchUpPagesMax pages. */
async function ordersDownTo(untilId: string, filter: OrderFilter, limit: number): Promise<Order[]> {
  const found: Order[] = []
  let cursor: string | undefined
  for (let page = 0; page < catchUpPagesMax; page++) {
    const { orders, next } = await fetchOrders(filter, { limit, cursor })
    found.push(...orders)
    const last = orders.at(-1)
    if (next === undefined || last === undefined || last.id <= untilId) break
    cursor = next
  }
  return found
}

function joinFirstPage(list: List, found: Order[]): List {
  const [first, ...rest] = list.pages
  if (!first) return list
  const known = joinPages([...list.pages.map(page => page.orders), found])
  const isUnchanged = known.length === list.pages.reduce((sum, page) => sum + page.orders.length, 0)
  const older = new Set(rest.flatMap(page => page.orders))
  const joined = known.filter(order => !older.has(order))
  const isSame = isUnchanged && joined.every((order, index) => order === first.orders[index])
  return isSame ? list : { ...list, pages: [{ ...first, orders: joined }, ...rest] }
}

/** An order that has not changed stays the object it was, wherever it is now, so that its row is not rendered. */
function keepKnown(known: List | undefined, read: List): List {
  if (!known || known === read) return read
  const keep = keepKnownOrders(known.pages.flatMap(page => page.orders))
  return { ...read, pages: read.pages.map(page => ({ ...page, orders: page.orders.map(keep) })) }
}
