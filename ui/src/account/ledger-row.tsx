import { Link } from '@swan-io/chicane'
import { memo } from 'react'
import type { LedgerEntry } from '../api/model.ts'
import { Money } from '../money/display.tsx'
import { Router } from '../shell/routes.ts'
import { moment } from '../time/time.ts'

const words = { opening: 'Opened', deposit: 'Deposit', withdrawal: 'Withdrawal', payment: 'Payment' }

export const LedgerRow = memo(function LedgerRow({ entry }: { entry: LedgerEntry }) {
  const { kind, amount, balance_after, order_id, created_at } = entry
  return (
    <>
      <span role="cell" className="cell-when">
        <time dateTime={created_at}>{moment(new Date(created_at))}</time>
      </span>
      <span role="cell" className="cell-kind">
        {words[kind]}
        {order_id && (
          <>
            {' of '}
            <Link to={Router.Order({ id: order_id })}>
              order <code>{order_id.slice(-6)}</code>
            </Link>
          </>
        )}
      </span>
      <span role="cell" className={`cell-change ${amount < 0 ? 'is-out' : 'is-in'}`}>
        <Money value={amount} signed />
      </span>
      <span role="cell" className="cell-balance">
        <Money value={balance_after} />
      </span>
    </>
  )
})

export function LedgerHeader() {
  return (
    <div role="row" aria-rowindex={1} className="virtual-row-head">
      <span role="columnheader">When</span>
      <span role="columnheader">What</span>
      <span role="columnheader" className="cell-change">
        Change
      </span>
      <span role="columnheader" className="cell-balance">
        Balance after
      </span>
    </div>
  )
}
