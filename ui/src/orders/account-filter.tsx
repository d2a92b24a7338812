import { Field } from '@base-ui/react/field'
import { type FormEvent, useState } from 'react'
import { accountNumber, accountNumberRule } from '../shell/routes.ts'

/** Applies on Enter or on leaving the field; an empty field shows every account. */
export function AccountFilter({ user, onChange }: { user: string; onChange(user: string): void }) {
  const [typed, setTyped] = useState(user)
  const text = typed.trim()
  const isOdd = text !== '' && accountNumber(text) === undefined
  const apply = () => {
    if (!isOdd && text !== user) onChange(text)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    apply()
  }
  return (
    <form onSubmit={submit} className="account-filter">
      <Field.Root invalid={isOdd} className="field inline">
        <Field.Label className="label">Account</Field.Label>
        <Field.Control
          className="input"
          inputMode="numeric"
          autoComplete="off"
          placeholder="Any"
          value={typed}
          onChange={event => setTyped(event.currentTarget.value)}
          onBlur={apply}
        />
        <Field.Error className="error" match={isOdd}>
          {accountNumberRule}
        </Field.Error>
      </Field.Root>
    </form>
  )
}
