import { Link } from '@swan-io/chicane'
import type { Order } from '../api/model.ts'
import { useLiveOrder, useLiveOrders } from '../live/live-context.tsx'
import { Money } from '../money/display.tsx'
import { isOpen } from '../orders/order-list.ts'
import { reasonInWords, StatusBadge } from '../orders/order-status.tsx'
import { useOrderList } from '../orders/use-order-list.ts'
import { Router } from '../shell/routes.ts'
import { Failed, Waiting } from '../shell/states.tsx'
import { elapsed, moment } from '../time/time.ts'
import { useDesk, useOnTheirWay } from './desk-context.tsx'
import type { OnItsWay } from './placement-desk.ts'

const shownMax = 8

/** The newest orders of the account, those still on their way to the server first. */
export function RecentOrders({ userId }: { userId: number }) {
  const list = useOrderList({ userId }, { limit: 20 })
  const onTheirWay = useOnTheirWay().filter(placement => placement.userId === userId)
  const isEmpty = list.orders.length === 0 && onTheirWay.length === 0
  return (
    <section className="card recent-orders" aria-labelledby="recent-heading">
      <header className="card-header">
        <h2 id="recent-heading">Recent orders</h2>
        <Link to={Router.Orders({ user: String(userId) })} className="quiet-link">
          All of this account
        </Link>
      </header>
      {list.isPending && !list.error && <Waiting label="Reading orders" />}
      {list.error && list.orders.length === 0 && (
        <Failed error={list.error} onRetry={() => void list.refetch()} />
      )}
      {list.isSuccess && isEmpty && (
        <p className="quiet">No orders yet. The first one appears here at once.</p>
      )}
      <ul className="recent-list" aria-label="Recent orders">
        {onTheirWay.map(placement => (
          <OnTheWay key={placement.key} placement={placement} />
        ))}
        {list.orders.slice(0, shownMax).map(order => (
          <RecentOrder key={order.id} order={order} />
        ))}
      </ul>
    </section>
  )
}

function RecentOrder({ order: fetched }: { order: Order }) {
  const order = useLiveOrder(useLiveOrders(), fetched)
  const tookMs = new Date(order.updated_at).getTime() - new Date(order.created_at).getTime()
  return (
    <li className="recent-order" data-order={order.id}>
      <StatusBadge status={order.status} />
      <Link to={Router.Order({ id: order.id })} className="recent-what">
        <bdi dir="auto">{order.description || 'No description'}</bdi>
      </Link>
      <Money value={order.amount} />
      <span className="recent-note">
        {moment(new Date(order.created_at))}
        {!isOpen(order.status) && ` · settled in ${elapsed(tookMs)}`}
        {order.reason && ` · ${reasonInWords(order.reason)}`}
      </span>
    </li>
  )
}

function OnTheWay({ placement }: { placement: OnItsWay }) {
  const desk = useDesk()
  const { userId, amountMinor, description, state, attempts, problem } = placement
  return (
    <li className="recent-order">
      <StatusBadge status="SENDING" />
      <span className="recent-what">
        <bdi dir="auto">{description || 'No description'}</bdi>
      </span>
      <Money value={BigInt(amountMinor)} />
      <span className="recent-note">
        {state === 'unanswered' ? (
          <>
            Not answered after {attempts} tries: {problem}{' '}
            <button
              type="button"
              className="button small"
              onClick={() => void desk.place({ userId, amountMinor, description })}
            >
              Send again
            </button>{' '}
            It cannot be placed twice.
          </>
        ) : attempts > 1 ? (
          `Try ${attempts}: ${problem}`
        ) : (
          'On its way to the server'
        )}
      </span>
    </li>
  )
}
