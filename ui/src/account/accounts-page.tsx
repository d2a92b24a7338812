import { Link } from '@swan-io/chicane'
import { useQuery } from '@tanstack/react-query'
import { fetchAccounts } from '../api/gateway.ts'
import { Money } from '../money/display.tsx'
import { Page } from '../shell/page.tsx'
import { Router } from '../shell/routes.ts'
import { Empty, Failed, Waiting } from '../shell/states.tsx'
import { AccountChooser } from '../shop/account-chooser.tsx'
import './account-page.css'

const shownMax = 50

export function AccountsPage() {
  const accounts = useQuery({
    queryKey: ['accounts'],
    queryFn: ({ signal }) => fetchAccounts(shownMax, signal),
  })
  const choose = (userId: number) => Router.push('Account', { user: String(userId) })
  return (
    <Page title="Accounts" lead={<AccountChooser userId={undefined} onChoose={choose} />}>
      {accounts.error && !accounts.data ? (
        <Failed error={accounts.error} onRetry={() => void accounts.refetch()} />
      ) : !accounts.data ? (
        <Waiting label="Reading accounts" rows={6} />
      ) : accounts.data.length === 0 ? (
        <Empty title="No accounts yet">
          Open the first one in the <Link to={Router.Shop()}>shop</Link>.
        </Empty>
      ) : (
        <ul className="card account-list" aria-label="Accounts">
          {accounts.data.map(({ user_id, balance }) => (
            <li key={user_id}>
              <Link to={Router.Account({ user: String(user_id) })}>Account {user_id}</Link>
              <Money value={balance} />
            </li>
          ))}
        </ul>
      )}
    </Page>
  )
}
