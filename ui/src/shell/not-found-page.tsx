import { Link } from '@swan-io/chicane'
import { Page } from './page.tsx'
import { Router } from './routes.ts'
import { Empty } from './states.tsx'

export function NotFoundPage() {
  return (
    <Page title="Not found">
      <Empty title="There is no such page">
        The address may be mistyped. Go to the <Link to={Router.Shop()}>shop</Link> or to the{' '}
        <Link to={Router.Orders()}>orders</Link>.
      </Empty>
    </Page>
  )
}
