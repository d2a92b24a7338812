import { Field } from '@base-ui/react/field'
import { type FormEvent, useState } from 'react'
import { accountNumber, accountNumberRule } from '../shell/routes.ts'

export function AccountChooser(props: { userId: number | undefined; onChoose(userId: number): void }) {
  const { userId, onChoose } = props
  const [typed, setTyped] = useState(userId === undefined ? '' : String(userId))
  const [wasSent, setSent] = useState(false)
  const chosen = accountNumber(typed.trim())
  const isOdd = chosen === undefined && (typed.trim() !== '' || wasSent)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setSent(true)
    if (chosen !== undefined) onChoose(chosen)
  }
  return (
    <form onSubmit={submit} className="account-chooser">
      <Field.Root invalid={isOdd} className="field inline">
        <Field.Label className="label">Account</Field.Label>
        <Field.Control
          className="input"
          inputMode="numeric"
          autoComplete="off"
          placeholder="1001"
          value={typed}
          onChange={event => setTyped(event.currentTarget.value)}
        />
        <Field.Error className="error" match={isOdd}>
          {accountNumberRule}
        </Field.Error>
      </Field.Root>
      <button type="submit" className="button">
        Use
      </button>
    </form>
  )
}
