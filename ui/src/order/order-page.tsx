import { Link } from '@swan-io/chicane'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { fetchOrder, fetchTimeline } from '../api/gateway.ts'
import type { Order } from '../api/model.ts'
import { RequestFailed } from '../api/request.ts'
import { useLiveOrder, useLiveOrders } from '../live/live-context.tsx'
import { LargeMoney } from '../money/display.tsx'
import { isOpen } from '../orders/order-list.ts'
import { reasonInWords, StatusBadge } from '../orders/order-status.tsx'
import { Page } from '../shell/page.tsx'
import { Router } from '../shell/routes.ts'
import { Empty, Failed, Waiting } from '../shell/states.tsx'
import { dateTime, elapsed } from '../time/time.ts'
import { stepsOf, totalMs } from './lanes.ts'
import { SwimLanes } from './swim-lanes.tsx'
import './order-page.css'

const lookAgainMs = 1_500

export function OrderPage({ id }: { id: string }) {
  const order = useQuery({ queryKey: ['order', id], queryFn: ({ signal }) => fetchOrder(id, signal) })
  const isNoOrder = order.error instanceof RequestFailed && [400, 404].includes(order.error.status)
  return (
    <Page title="Order" className="order-page">
      {isNoOrder ? (
        <Empty title="There is no such order">
          The address names <code className="break">{id}</code>, which is no order here.{' '}
          <Link to={Router.Orders()}>Show all orders</Link>.
        </Empty>
      ) : order.error && !order.data ? (
        <Failed error={order.error} onRetry={() => void order.refetch()} />
      ) : order.data ? (
        <OrderInDetail order={order.data} />
      ) : (
        <Waiting label="Reading the order" rows={5} />
      )}
    </Page>
  )
}

function OrderInDetail({ order: fetched }: { order: Order }) {
  const order = useLiveOrder(useLiveOrders(), fetched)
  return (
    <>
      <section className="card order-summary" aria-label="Summary">
        <div>
          <StatusBadge status={order.status} />
          <p className="balance">
            <LargeMoney value={order.amount} />
          </p>
          <p className="order-description">
            <bdi dir="auto">{order.description || 'No description'}</bdi>
          </p>
          {order.reason && <p className="order-reason">{reasonInWords(order.reason)} Nothing was debited.</p>}
        </div>
        <dl className="facts">
          <div>
            <dt>Account</dt>
            <dd>
              <Link to={Router.Account({ user: String(order.user_id) })}>{order.user_id}</Link>
            </dd>
          </div>
          <div>
            <dt>Placed</dt>
            <dd>
              <time dateTime={order.created_at}>{dateTime(new Date(order.created_at))}</time>
            </dd>
          </div>
          <div>
            <dt>Order id</dt>
            <dd>
              <code className="break">{order.id}</code>
            </dd>
          </div>
        </dl>
      </section>
      <Way order={order} />
    </>
  )
}

function Way({ order }: { order: Order }) {
  const open = isOpen(order.status)
  const timeline = useQuery({
    queryKey: ['timeline', order.id],
    queryFn: ({ signal }) => fetchTimeline(order.id, signal),
    refetchInterval: ({ state }) => (open || state.data?.missing ? lookAgainMs : false),
  })
  const { refetch } = timeline
  useEffect(() => {
    if (!open) void refetch()
  }, [open, refetch])
  const steps = timeline.data && stepsOf(timeline.data)
  const total = steps && totalMs(steps)
  return (
    <section className="card" aria-labelledby="way-heading">
      <header className="card-header">
        <h2 id="way-heading">Its way through the system</h2>
        {steps && (
          <p className="quiet">{total === undefined ? 'Not settled yet' : `Settled in ${elapsed(total)}`}</p>
        )}
      </header>
      {timeline.data?.missing && (
        <p className="note">
          {timeline.data.missing.join(' and ')} did not answer: its hops are left out here, which does not
          mean that they did not happen.
        </p>
      )}
      {timeline.data?.discarded && (
        <p className="note" role="status">
          {timeline.data.discarded.detail} Discarded{' '}
          <time dateTime={timeline.data.discarded.at}>{dateTime(new Date(timeline.data.discarded.at))}</time>,
          dead letter <code>{timeline.data.discarded.dead_letter}</code>, act {timeline.data.discarded.act}.
        </p>
      )}
      {timeline.error && !steps && <Failed error={timeline.error} onRetry={() => void refetch()} />}
      {timeline.isPending && !timeline.error && <Waiting label="Reading its way" rows={6} />}
      {steps && <SwimLanes steps={steps} />}
      {steps && (
        <p className="quiet fine-print">
          Kafka delivers at least once. Repeated deliveries are recognised by the inbox and left out without a
          trace, so each step above happened once.
        </p>
      )}
    </section>
  )
}
