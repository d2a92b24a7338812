import { Link } from '@swan-io/chicane'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { fetchAccount } from '../api/gateway.ts'
import { RequestFailed } from '../api/request.ts'
import { VirtualRows } from '../lists/virtual-rows.tsx'
import { LargeMoney } from '../money/display.tsx'
import { Page } from '../shell/page.tsx'
import { arrived } from '../shell/page-import.ts'
import { accountNumber, Router } from '../shell/routes.ts'
import { Empty, Failed, Waiting } from '../shell/states.tsx'
import { LedgerHeader, LedgerRow } from './ledger-row.tsx'
import { useLedger } from './use-ledger.ts'
import './account-page.css'

const BalanceChart = lazy(() => arrived(import('./balance-chart.tsx')))

export function AccountPage({ user }: { user: string }) {
  const userId = accountNumber(user)
  if (userId === undefined) return <NoAccount user={user} />
  return <KnownAccount key={userId} userId={userId} />
}

function NoAccount({ user }: { user: string }) {
  return (
    <Page title="Account">
      <Empty title="There is no such account">
        Nobody has opened <bdi className="break">{user}</bdi>.{' '}
        <Link to={Router.Accounts()}>Show all accounts</Link>
        {accountNumber(user) !== undefined && (
          <>
            , or <Link to={Router.Shop({ user })}>open it in the shop</Link>
          </>
        )}
        .
      </Empty>
    </Page>
  )
}

function KnownAccount({ userId }: { userId: number }) {
  const account = useQuery({
    queryKey: ['account', userId],
    queryFn: ({ signal }) => fetchAccount(userId, signal),
  })
  const ledger = useLedger(userId, account.data?.updated_at)
  const { entries } = ledger

  if (account.error instanceof RequestFailed && account.error.status === 404)
    return <NoAccount user={String(userId)} />
  return (
    <Page title={`Account ${userId}`} className="account-page">
      {account.error && !account.data && (
        <Failed error={account.error} onRetry={() => void account.refetch()} />
      )}
      {account.isPending && !account.error && <Waiting label="Reading the account" />}
      {account.data && (
        <section className="card account-summary" aria-label="Balance">
          <div>
            <h2 className="eyebrow">Balance</h2>
            <p className="balance" aria-live="polite" aria-atomic="true">
              <LargeMoney value={account.data.balance} />
            </p>
            <p className="account-links">
              <Link to={Router.Shop({ user: String(userId) })}>Shop with it</Link>
              <Link to={Router.Orders({ user: String(userId) })}>Its orders</Link>
            </p>
          </div>
          <Suspense fallback={<div className="chart-place" />}>
            <BalanceChart entries={entries} />
          </Suspense>
        </section>
      )}
      {ledger.error && entries.length === 0 && account.data && (
        <Failed error={ledger.error} onRetry={() => void ledger.refetch()} />
      )}
      {ledger.isPending && !ledger.error && <Waiting label="Reading the ledger" rows={6} />}
      {ledger.isSuccess && entries.length === 0 && (
        <Empty title="Nothing in the ledger yet">Deposits, withdrawals and paid orders appear here.</Empty>
      )}
      {entries.length > 0 && (
        <VirtualRows
          label="Ledger, newest first"
          className="ledger-table"
          rows={entries}
          keyOf={entry => entry.id}
          header={<LedgerHeader />}
          rowHeight={{ wide: 44, narrow: 88 }}
          hasMore={ledger.hasNextPage}
          isLoadingMore={ledger.isFetchingNextPage}
          onMore={ledger.fetchNextPage}
        >
          {entry => <LedgerRow entry={entry} />}
        </VirtualRows>
      )}
    </Page>
  )
}
