import { Field } from '@base-ui/react/field'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import type { RequestFailed } from '../api/request.ts'
import { moneyText } from '../money/display.tsx'
import { decimalNumber, minorFromDecimal, parseAmount } from '../money/money.ts'
import { ignoreSecondClick } from '../shell/ignore-second-click.ts'
import { Failed } from '../shell/states.tsx'
import { AmountField } from './amount-field.tsx'
import { useDesk } from './desk-context.tsx'

const descriptionMax = 1_000
const slowAfterMs = 2_500

/** Made anew by every keystroke, so that one that was typed in since it was sent is another one. */
type Form = { typed: string; description: string }
const emptyForm: Form = { typed: '', description: '' }

export function OrderForm({ userId, balance }: { userId: number; balance: number }) {
  const desk = useDesk()
  const [form, setForm] = useState(emptyForm)
  const [sent, setSent] = useState<Form>()
  const [isMissing, setMissing] = useState(false)
  const [refusal, setRefusal] = useState<{ form: Form; error: RequestFailed }>()
  const amountField = useRef<HTMLInputElement>(null)
  const descriptionField = useRef<HTMLInputElement>(null)
  const { typed, description } = form
  const isSending = sent === form
  const amount = parseAmount(typed)
  const missing = isMissing && amount.kind === 'empty' ? 'Write what the order costs.' : undefined
  const tooLong =
    description.length > descriptionMax
      ? `${description.length - descriptionMax} characters too many.`
      : undefined

  const place = async () => {
    setMissing(amount.kind === 'empty')
    if (amount.kind !== 'amount') return amountField.current?.focus()
    if (tooLong) return descriptionField.current?.focus()
    if (isSending) return
    setSent(form)
    setRefusal(undefined)
    const outcome = await desk.place({ userId, amountMinor: amount.minor.toString(), description })
    setSent(now => (now === form ? undefined : now))
    if (outcome.kind === 'refused') return setRefusal({ form, error: outcome.error })
    // Unanswered ones go on in the list below, where they can be sent again.
    setForm(now => (now === form ? emptyForm : now))
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void place()
  }
  const exceeds = amount.kind === 'amount' && amount.minor > minorFromDecimal(balance)
  return (
    <form className="card order-form" onSubmit={submit} noValidate aria-labelledby="order-heading">
      <h2 id="order-heading">Place an order</h2>
      <AmountField
        field={amountField}
        label="Amount"
        typed={typed}
        onType={typed => setForm({ ...form, typed })}
        error={amount.kind === 'refused' ? amount.explanation : missing}
        hint={exceeds ? 'More than the balance at the moment: it will probably be cancelled.' : undefined}
      />
      <Field.Root invalid={tooLong !== undefined} className="field">
        <Field.Label className="label">
          Description <span className="optional">optional</span>
        </Field.Label>
        <Field.Control
          ref={descriptionField}
          className="input"
          dir="auto"
          autoComplete="off"
          placeholder="Two books"
          value={description}
          onChange={event => setForm({ ...form, description: event.currentTarget.value })}
        />
        <Field.Error className="error" role="alert" match={tooLong !== undefined}>
          {tooLong}
        </Field.Error>
      </Field.Root>
      {refusal && (
        <Failed error={refusal.error} of={refusal.form === form ? undefined : inWords(refusal.form)} />
      )}
      <button type="submit" className="button primary" aria-disabled={isSending} onClick={ignoreSecondClick}>
        {isSending ? 'Placing…' : 'Place order'}
      </button>
      <p role="status" className="done">
        {isSending && <SlowNote />}
      </p>
    </form>
  )
}

function inWords({ typed, description }: Form): string {
  const amount = parseAmount(typed)
  const money = amount.kind === 'amount' ? moneyText(decimalNumber(amount.minor)) : typed
  return description ? `${money}, ${description}` : money
}

function SlowNote() {
  const [isSlow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), slowAfterMs)
    return () => clearTimeout(timer)
  }, [])
  return (
    isSlow && 'The server is slow. Your order is being sent and will be placed once, however long it takes.'
  )
}
