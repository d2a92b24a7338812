import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { fetchAccount } from '../api/gateway.ts'
import { RequestFailed } from '../api/request.ts'
import { rememberAccount, rememberedAccount } from '../shell/chosen-account.ts'
import { Page } from '../shell/page.tsx'
import { accountNumber, Router } from '../shell/routes.ts'
import { Failed, Waiting } from '../shell/states.tsx'
import { AccountChooser } from './account-chooser.tsx'
import { BalancePanel } from './balance-panel.tsx'
import { OpenAccount } from './open-account.tsx'
import { OrderForm } from './order-form.tsx'
import { RecentOrders } from './recent-orders.tsx'
import './shop-page.css'

export function ShopPage({ user }: { user: string | undefined }) {
  const userId = accountNumber(user) ?? rememberedAccount()
  useEffect(() => {
    if (userId !== undefined) rememberAccount(userId)
  }, [userId])
  const choose = (next: number) => Router.push('Shop', { user: String(next) })
  return (
    <Page
      title="Shop"
      className="shop-page"
      lead={<AccountChooser key={userId} userId={userId} onChoose={choose} />}
    >
      {userId === undefined ? <Welcome /> : <AccountShop key={userId} userId={userId} />}
    </Page>
  )
}

function Welcome() {
  return (
    <section className="card welcome">
      <h2>Which account do you shop with?</h2>
      <p>
        Type its number above. If there is no such account yet, you can open it with a starting balance, then
        place orders and watch each of them settle.
      </p>
    </section>
  )
}

function AccountShop({ userId }: { userId: number }) {
  const account = useQuery({
    queryKey: ['account', userId],
    queryFn: ({ signal }) => fetchAccount(userId, signal),
  })
  if (account.error instanceof RequestFailed && account.error.status === 404)
    return <OpenAccount userId={userId} />
  if (account.error && !account.data)
    return <Failed error={account.error} onRetry={() => void account.refetch()} />
  if (!account.data) return <Waiting label="Reading the account" rows={4} />
  return (
    <div className="shop-grid">
      <BalancePanel account={account.data} />
      <OrderForm userId={userId} balance={account.data.balance} />
      <RecentOrders userId={userId} />
    </div>
  )
}
