import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { openAccount } from '../api/gateway.ts'
import { RequestFailed } from '../api/request.ts'
import { parseAmount } from '../money/money.ts'
import { Failed } from '../shell/states.tsx'
import { AmountField } from './amount-field.tsx'

export function OpenAccount({ userId }: { userId: number }) {
  const queries = useQueryClient()
  const [typed, setTyped] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const amount = parseAmount(typed)
  const opening = useMutation({
    mutationFn: (balanceMinor: bigint) => openAccount(userId, balanceMinor),
    onSuccess: account => queries.setQueryData(['account', userId], account),
    onError: error => {
      // Somebody else, or a lost answer to this very request, has opened it: that is what was wanted.
      const isOpen = error instanceof RequestFailed && error.status === 409
      if (isOpen) void queries.invalidateQueries({ queryKey: ['account', userId] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (amount.kind === 'refused') return field.current?.focus()
    if (opening.isPending) return
    opening.mutate(amount.kind === 'amount' ? amount.minor : 0n)
  }
  return (
    <form className="card open-account" onSubmit={submit} noValidate>
      <h2>Open account {userId}</h2>
      <p>There is no account with this number yet.</p>
      <AmountField
        field={field}
        label="Opening balance"
        typed={typed}
        onType={setTyped}
        error={amount.kind === 'refused' ? amount.explanation : undefined}
        hint="Leave empty to start with nothing."
      />
      {opening.error && <Failed error={opening.error} />}
      <button type="submit" className="button primary" aria-disabled={opening.isPending}>
        {opening.isPending ? 'Opening…' : 'Open account'}
      </button>
    </form>
  )
}
