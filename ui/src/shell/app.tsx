import { useFocusReset } from '@swan-io/chicane'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { lazy, Suspense, useRef, useState } from 'react'
import { RequestFailed } from '../api/request.ts'
import { LiveProvider } from '../live/live-context.tsx'
import { StreamBanner } from '../live/stream-status.tsx'
import { Toasts } from '../notifications/toasts.tsx'
import { DeskProvider } from '../shop/desk-context.tsx'
import { ShopPage } from '../shop/shop-page.tsx'
import { ErrorBoundary } from './error-boundary.tsx'
import { Navigation } from './navigation.tsx'
import { NotFoundPage } from './not-found-page.tsx'
import { arrived } from './page-import.ts'
import { Router, routeNames } from './routes.ts'
import { Waiting } from './states.tsx'

// The shop is where people arrive; the other pages come when they are opened.
const OrdersPage = lazy(() =>
  arrived(import('../orders/orders-page.tsx')).then(page => ({ default: page.OrdersPage })),
)
const OrderPage = lazy(() =>
  arrived(import('../order/order-page.tsx')).then(page => ({ default: page.OrderPage })),
)
const AccountsPage = lazy(() =>
  arrived(import('../account/accounts-page.tsx')).then(page => ({ default: page.AccountsPage })),
)
const AccountPage = lazy(() =>
  arrived(import('../account/account-page.tsx')).then(page => ({ default: page.AccountPage })),
)
const FlowPage = lazy(() =>
  arrived(import('../flow/flow-page.tsx')).then(page => ({ default: page.FlowPage })),
)
const DeadLettersPage = lazy(() =>
  arrived(import('../dead-letters/desk-page.tsx')).then(page => ({ default: page.DeadLettersPage })),
)

const retriesMax = 3

function openQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, error) =>
          failures < retriesMax && error instanceof RequestFailed && error.isTransient,
        retryDelay: failures => Math.min(4_000, 400 * 2 ** failures),
        // Whether the network works is found out by asking: a browser's guess is wrong for servers on this machine.
        networkMode: 'always',
      },
      mutations: {
        retry: false,
        networkMode: 'always',
      },
    },
  })
}

export function App() {
  const [queries] = useState(openQueries)
  return (
    <QueryClientProvider client={queries}>
      <LiveProvider>
        <DeskProvider>
          <Toasts>
            <Navigation />
            <StreamBanner />
            <Content />
          </Toasts>
        </DeskProvider>
      </LiveProvider>
    </QueryClientProvider>
  )
}

function Content() {
  const route = Router.useRoute(routeNames)
  const container = useRef<HTMLElement>(null)
  useFocusReset({ route, containerRef: container })
  return (
    <main id="content" ref={container} tabIndex={-1}>
      <ErrorBoundary key={route?.key}>
        <Suspense fallback={<Arriving />}>{pageOf(route)}</Suspense>
      </ErrorBoundary>
    </main>
  )
}

/** Every page has a heading, also while it is on its way. */
function Arriving() {
  return (
    <div className="page">
      <h1 className="visually-hidden">Loading</h1>
      <Waiting label="Reading the page" />
    </div>
  )
}

function pageOf(route: ReturnType<typeof Router.useRoute<(typeof routeNames)[number]>>) {
  switch (route?.name) {
    case 'Shop':
      return <ShopPage user={route.params.user} />
    case 'Orders':
      return <OrdersPage params={route.params} />
    case 'Order':
      return <OrderPage id={route.params.id} />
    case 'Accounts':
      return <AccountsPage />
    case 'Account':
      return <AccountPage user={route.params.user} />
    case 'Flow':
      return <FlowPage />
    case 'DeadLetters':
      return <DeadLettersPage />
    default:
      return <NotFoundPage />
  }
}
