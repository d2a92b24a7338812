import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react'
import { useLiveOrders } from '../live/live-context.tsx'
import type { OrderEvent } from '../live/order-event.ts'
import { moneyText } from '../money/display.tsx'
import { isOpen } from '../orders/order-list.ts'
import { rememberedAccount } from '../shell/chosen-account.ts'
import { Router, routeNames } from '../shell/routes.ts'
import { type Notice, noticeOf, withNotice } from './notices.ts'

type Notices = { notices: Notice[]; unread: number; markRead(): void }
const NoticeContext = createContext<Notices>({ notices: [], unread: 0, markRead: () => {} })
export const useNotices = (): Notices => useContext(NoticeContext)

/** Orders that settle together are told together. */
const gatherMs = 800

export function NoticeProvider({
  children,
  onNotice,
}: {
  children: ReactNode
  onNotice(notice: Notice): void
}) {
  const live = useLiveOrders()
  const [notices, setNotices] = useState<Notice[]>([])
  const [unread, setUnread] = useState(0)
  const tell = useRef(onNotice)
  tell.current = onNotice

  useEffect(() => {
    let gathered: OrderEvent[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    let nextId = 1
    const flush = () => {
      timer = undefined
      const made = noticeOf(gathered, moneyText)
      gathered = []
      if (!made) return
      const notice = { ...made, id: nextId++ }
      setNotices(notices => withNotice(notices, notice))
      setUnread(unread => unread + 1)
      tell.current(notice)
    }
    const unfollow = live.followAll(event => {
      if (isOpen(event.status) || event.user_id !== rememberedAccount() || isWatched(event)) return
      gathered.push(event)
      timer ??= setTimeout(flush, gatherMs)
    })
    return () => {
      unfollow()
      clearTimeout(timer)
    }
  }, [live])

  const value = useMemo(() => ({ notices, unread, markRead: () => setUnread(0) }), [notices, unread])
  return <NoticeContext value={value}>{children}</NoticeContext>
}

/** Whether the page in view shows the order settle by itself, so that saying it again would be noise. */
function isWatched(event: OrderEvent): boolean {
  if (document.visibilityState !== 'visible') return false
  const route = Router.getRoute(routeNames)
  return route?.name === 'Shop' || (route?.name === 'Order' && route.params.id === event.order_id)
}
