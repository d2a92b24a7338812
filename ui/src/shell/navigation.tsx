import { Link } from '@swan-io/chicane'
import { isOperatorAddress } from '../dead-letters/operator.ts'
import { StreamStatus } from '../live/stream-status.tsx'
import { NoticeBell } from '../notifications/notice-bell.tsx'
import { rememberedAccount } from './chosen-account.ts'
import { Router, routeNames } from './routes.ts'
import { ThemeSwitch } from './theme-switch.tsx'
import './navigation.css'

export function Navigation() {
  const route = Router.useRoute(routeNames)
  const account = rememberedAccount()
  const places = [
    { words: 'Shop', to: Router.Shop(), routes: ['Shop'] },
    { words: 'Orders', to: Router.Orders(), routes: ['Orders', 'Order'] },
    {
      words: 'Account',
      to: account === undefined ? Router.Accounts() : Router.Account({ user: String(account) }),
      routes: ['Accounts', 'Account'],
    },
    { words: 'Flow', to: Router.Flow(), routes: ['Flow'] },
    ...(isOperatorAddress
      ? [{ words: 'Dead letters', to: Router.DeadLetters(), routes: ['DeadLetters'] }]
      : []),
  ]
  return (
    <header className="top">
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <Link to={Router.Shop()} className="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M6 21h7a4 4 0 0 0 4-4v-2a4 4 0 0 1 4-4h5" />
          <circle cx="6" cy="21" r="3" />
          <circle cx="26" cy="11" r="3" className="brand-end" />
        </svg>
        <span>
          Order <em>payments</em>
        </span>
      </Link>
      <nav aria-label="Pages" className="places">
        {places.map(({ words, to, routes }) => (
          <Link
            key={words}
            to={to}
            aria-current={route && routes.includes(route.name) ? 'page' : undefined}
            className="place"
          >
            {words}
          </Link>
        ))}
      </nav>
      <div className="top-tools">
        <StreamStatus />
        <NoticeBell />
        <ThemeSwitch />
      </div>
    </header>
  )
}
