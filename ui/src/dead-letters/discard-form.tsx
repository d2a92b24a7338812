import { Field } from '@base-ui/react/field'
import { type FormEvent, useState } from 'react'

type Props = {
  name: string
  isBusy: boolean
  onCancel: () => void
  onTry: () => void
  onDiscard: (why: string) => void
}

const whyMax = 500

export function DiscardForm({ name, isBusy, onCancel, onTry, onDiscard }: Props) {
  const [why, setWhy] = useState('')
  const [wasSent, setSent] = useState(false)
  const isMissing = wasSent && why.trim() === ''
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setSent(true)
    if (why.trim() !== '' && !isBusy) onDiscard(why.trim())
  }
  return (
    <form className="desk-form" onSubmit={submit} noValidate>
      <Field.Root invalid={isMissing} className="field">
        <Field.Label className="label">Why is {name} given up?</Field.Label>
        <Field.Control
          className="input"
          autoFocus
          autoComplete="off"
          maxLength={whyMax}
          value={why}
          onChange={event => setWhy(event.currentTarget.value)}
        />
        <Field.Description className="hint">
          Its effect will never happen. The reason is recorded for whoever comes later.
        </Field.Description>
        <Field.Error className="error" match={isMissing}>
          Say why.
        </Field.Error>
      </Field.Root>
      <div className="letter-acts">
        <button type="button" className="button" onClick={onTry}>
          Dry run of the discard
        </button>
        <button type="submit" className="button danger" aria-disabled={isBusy}>
          {isBusy ? 'Working…' : 'Discard for good'}
        </button>
        <button type="button" className="button" onClick={onCancel}>
          Keep it
        </button>
      </div>
    </form>
  )
}
