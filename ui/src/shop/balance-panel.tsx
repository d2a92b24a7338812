import { Link } from '@swan-io/chicane'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { changeBalance } from '../api/gateway.ts'
import type { Account } from '../api/model.ts'
import { RequestFailed } from '../api/request.ts'
import { LargeMoney, moneyText } from '../money/display.tsx'
import { decimalNumber, parseAmount } from '../money/money.ts'
import { ignoreSecondClick } from '../shell/ignore-second-click.ts'
import { Router } from '../shell/routes.ts'
import { Failed } from '../shell/states.tsx'
import { AmountField } from './amount-field.tsx'
import { newKey } from './new-key.ts'

type Direction = 'deposit' | 'withdrawal'

export function BalancePanel({ account }: { account: Account }) {
  return (
    <section className="card balance-panel" aria-labelledby="balance-heading">
      <h2 id="balance-heading" className="eyebrow">
        Balance
      </h2>
      <p className="balance" aria-live="polite" aria-atomic="true">
        <LargeMoney value={account.balance} />
      </p>
      <BalanceForm userId={account.user_id} />
      <Link to={Router.Account({ user: String(account.user_id) })} className="quiet-link">
        Ledger of account {account.user_id}
      </Link>
    </section>
  )
}

function BalanceForm({ userId }: { userId: number }) {
  const queries = useQueryClient()
  const [typed, setTyped] = useState('')
  const [isMissing, setMissing] = useState(false)
  // One key for one change until it is answered, so that trying again after a lost answer moves money once.
  const key = useRef<{ change: bigint; key: string }>(undefined)
  const isTypedSince = useRef(false)
  const field = useRef<HTMLInputElement>(null)
  const amount = parseAmount(typed)
  const changing = useMutation({
    mutationFn: (change: bigint) => {
      if (key.current?.change !== change) key.current = { change, key: newKey() }
      return changeBalance(userId, change, key.current.key)
    },
    retry: (failures, error) => failures < 3 && error instanceof RequestFailed && error.isTransient,
    onSuccess: account => {
      key.current = undefined
      if (!isTypedSince.current) setTyped('')
      queries.setQueryData(['account', userId], account)
      void queries.invalidateQueries({ queryKey: ['account', userId] })
    },
  })
  const change = (direction: Direction) => {
    setMissing(amount.kind === 'empty')
    if (amount.kind !== 'amount') return field.current?.focus()
    if (changing.isPending) return
    isTypedSince.current = false
    changing.mutate(direction === 'deposit' ? amount.minor : -amount.minor)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change('deposit')
  }
  const missing = isMissing && amount.kind === 'empty' ? 'Write an amount first.' : undefined
  const done = changing.isSuccess && changing.variables
  return (
    <form onSubmit={submit} className="balance-form" noValidate>
      <AmountField
        field={field}
        label="Deposit or withdraw"
        typed={typed}
        onType={text => {
          setTyped(text)
          isTypedSince.current = true
          // One that is being sent stays the only one until it is answered: its key is for it alone.
          if (!changing.isPending) changing.reset()
        }}
        error={amount.kind === 'refused' ? amount.explanation : missing}
      />
      <div className="button-row">
        <button
          type="submit"
          className="button"
          aria-disabled={changing.isPending}
          onClick={ignoreSecondClick}
        >
          Deposit
        </button>
        <button
          type="button"
          className="button"
          aria-disabled={changing.isPending}
          onClick={event => event.detail <= 1 && change('withdrawal')}
        >
          Withdraw
        </button>
      </div>
      {changing.error && <Failed error={changing.error} />}
      <p role="status" className="done">
        {changing.isPending && 'Sending…'}
        {done &&
          (done > 0n
            ? `Deposited ${moneyText(decimalNumber(done))}.`
            : `Withdrew ${moneyText(decimalNumber(-done))}.`)}
      </p>
    </form>
  )
}
