import { Link } from '@swan-io/chicane'
import { memo } from 'react'
import type { Order } from '../api/model.ts'
import { useLiveOrder, useLiveOrders } from '../live/live-context.tsx'
import { Money } from '../money/display.tsx'
import { Router } from '../shell/routes.ts'
import { elapsed, moment } from '../time/time.ts'
import { isOpen } from './order-list.ts'
import { reasonInWords, StatusBadge } from './order-status.tsx'

declare global {
  interface Window {
    /** A test puts an object here to learn which rows were rendered, and how often. */
    rowRenders?: Record<string, number>
  }
}

/** One line of the list. Follows its own order, so an event renders this row and no other. */
export const OrderRow = memo(function OrderRow({ order: fetched }: { order: Order }) {
  const order = useLiveOrder(useLiveOrders(), fetched)
  if (window.rowRenders) window.rowRenders[order.id] = (window.rowRenders[order.id] ?? 0) + 1
  const placed = new Date(order.created_at)
  const settledMs = new Date(order.updated_at).getTime() - placed.getTime()
  return (
    <>
      <span role="cell" className="cell-status">
        <StatusBadge status={order.status} />
      </span>
      <span role="cell" className="cell-what">
        <Link to={Router.Order({ id: order.id })} className="row-link">
          <bdi dir="auto">{order.description || 'No description'}</bdi>
        </Link>
        {order.reason && <span className="row-reason">{reasonInWords(order.reason)}</span>}
      </span>
      <span role="cell" className="cell-account">
        <Link to={Router.Account({ user: String(order.user_id) })}>{order.user_id}</Link>
      </span>
      <span role="cell" className="cell-placed">
        <time dateTime={order.created_at}>{moment(placed)}</time>
      </span>
      <span role="cell" className="cell-settled">
        {isOpen(order.status) ? '–' : elapsed(settledMs)}
      </span>
      <span role="cell" className="cell-amount">
        <Money value={order.amount} />
      </span>
    </>
  )
})

export function OrderHeader() {
  return (
    <div role="row" aria-rowindex={1} className="virtual-row-head">
      <span role="columnheader">Status</span>
      <span role="columnheader">Order</span>
      <span role="columnheader">Account</span>
      <span role="columnheader">Placed</span>
      <span role="columnheader">Settled in</span>
      <span role="columnheader" className="cell-amount">
        Amount
      </span>
    </div>
  )
}
