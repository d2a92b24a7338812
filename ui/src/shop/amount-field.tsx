import { Field } from '@base-ui/react/field'
import type { RefObject } from 'react'
import { currencyCode } from '../money/display.tsx'

/**
 * An amount being typed. What is wrong with it is said below, as it is typed. A form that refuses it gives `field` the
 * focus, so that it is also said to who cannot see it.
 */
export function AmountField(props: {
  field: RefObject<HTMLInputElement | null>
  label: string
  typed: string
  onType(typed: string): void
  error: string | undefined
  hint?: string | undefined
  placeholder?: string
}) {
  const { field, label, typed, onType, error, hint, placeholder = '0.00' } = props
  return (
    <Field.Root invalid={error !== undefined} className="field">
      <Field.Label className="label">{label}</Field.Label>
      <span className="input-with-unit">
        <Field.Control
          ref={field}
          className="input amount-input"
          inputMode="decimal"
          autoComplete="off"
          placeholder={placeholder}
          value={typed}
          onChange={event => onType(event.currentTarget.value)}
        />
        <span className="unit" aria-hidden="true">
          {currencyCode}
        </span>
      </span>
      {hint && !error && <Field.Description className="hint">{hint}</Field.Description>}
      <Field.Error className="error" role="alert" match={error !== undefined}>
        {error}
      </Field.Error>
    </Field.Root>
  )
}
