import { Field } from '@base-ui/react/field'
import { type FormEvent, useState } from 'react'
import type { Operator } from './operator.ts'

export function TokenForm({ onGiven }: { onGiven: (operator: Operator) => void }) {
  const [who, setWho] = useState('')
  const [token, setToken] = useState('')
  const [wasSent, setSent] = useState(false)
  const missing = (text: string) => wasSent && text.trim() === ''
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setSent(true)
    if (who.trim() !== '' && token.trim() !== '') onGiven({ who: who.trim(), token: token.trim() })
  }
  return (
    <form className="card desk-form" onSubmit={submit} noValidate aria-labelledby="token-heading">
      <h2 id="token-heading">Who is there?</h2>
      <Field.Root invalid={missing(who)} className="field">
        <Field.Label className="label">Your name</Field.Label>
        <Field.Control
          className="input"
          autoComplete="name"
          maxLength={200}
          value={who}
          onChange={event => setWho(event.currentTarget.value)}
        />
        <Field.Description className="hint">It is recorded with all that you do here.</Field.Description>
        <Field.Error className="error" match={missing(who)}>
          Write your name.
        </Field.Error>
      </Field.Root>
      <Field.Root invalid={missing(token)} className="field">
        <Field.Label className="label">Operator token</Field.Label>
        <Field.Control
          className="input"
          type="password"
          autoComplete="off"
          value={token}
          onChange={event => setToken(event.currentTarget.value)}
        />
        <Field.Description className="hint">
          What OPERATOR_TOKEN is set to. It stays in this tab until you close it.
        </Field.Description>
        <Field.Error className="error" match={missing(token)}>
          Give the token.
        </Field.Error>
      </Field.Root>
      <button type="submit" className="button primary">
        Open the desk
      </button>
    </form>
  )
}
