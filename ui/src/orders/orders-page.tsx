import { Link } from '@swan-io/chicane'
import type { OrderStatus } from '../api/model.ts'
import { VirtualRows } from '../lists/virtual-rows.tsx'
import { Page } from '../shell/page.tsx'
import { accountNumber, Router } from '../shell/routes.ts'
import { Empty, Failed, Waiting } from '../shell/states.tsx'
import { AccountFilter } from './account-filter.tsx'
import { OrderHeader, OrderRow } from './order-row.tsx'
import { useOrderList } from './use-order-list.ts'
import './orders-page.css'

type StatusFilter = 'all' | 'pending' | 'finished' | 'cancelled'
type Params = { status?: StatusFilter | undefined; user?: string | undefined }

const filters: { name: StatusFilter; words: string; status: OrderStatus | undefined }[] = [
  { name: 'all', words: 'All', status: undefined },
  { name: 'pending', words: 'Pending', status: 'NEW' },
  { name: 'finished', words: 'Finished', status: 'FINISHED' },
  { name: 'cancelled', words: 'Cancelled', status: 'CANCELLED' },
]

export function OrdersPage({ params }: { params: Params }) {
  const { status: chosen = 'all', user } = params
  const userId = accountNumber(user)
  const filter = filters.find(({ name }) => name === chosen)
  const list = useOrderList({ status: filter?.status, userId })
  const addressOf = (status: StatusFilter) =>
    Router.Orders({ ...(status !== 'all' && { status }), ...(user && { user }) })
  return (
    <Page title="Orders" className="orders-page">
      <div className="filters">
        <nav aria-label="Status" className="segments">
          {filters.map(({ name, words }) => (
            <Link
              key={name}
              to={addressOf(name)}
              aria-current={name === chosen ? 'true' : undefined}
              className="segment"
            >
              {words}
            </Link>
          ))}
        </nav>
        <AccountFilter
          key={user}
          user={user ?? ''}
          onChange={next =>
            Router.push('Orders', {
              ...(chosen !== 'all' && { status: chosen }),
              ...(next && { user: next }),
            })
          }
        />
      </div>
      {list.isPending && !list.error ? (
        <Waiting label="Reading orders" rows={8} />
      ) : list.error && list.orders.length === 0 ? (
        <Failed error={list.error} onRetry={() => void list.refetch()} />
      ) : list.orders.length === 0 ? (
        <Empty title="No orders here">
          {chosen === 'all' && !user ? (
            <>
              Orders appear here as soon as they are placed.{' '}
              <Link to={Router.Shop()}>Place the first one</Link>.
            </>
          ) : (
            <>
              Nothing matches these filters at the moment. <Link to={Router.Orders()}>Show all orders</Link>.
            </>
          )}
        </Empty>
      ) : (
        <VirtualRows
          label="Orders, newest first"
          className="orders-table"
          rows={list.orders}
          keyOf={order => order.id}
          header={<OrderHeader />}
          rowHeight={{ wide: 48, narrow: 108 }}
          hasMore={list.hasNextPage}
          isLoadingMore={list.isFetchingNextPage}
          onMore={list.fetchNextPage}
        >
          {order => <OrderRow order={order} />}
        </VirtualRows>
      )}
    </Page>
  )
}
