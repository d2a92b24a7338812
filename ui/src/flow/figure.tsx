import { type ReactNode, useId } from 'react'

type Reading = { label: string; value: string; color?: string }
type Props = { title: string; note: string; readings: Reading[]; tone?: 'good' | 'bad'; children?: ReactNode }

/** A few numbers with what they mean, and the chart that they are the end of. */
export function Figure({ title, note, readings, tone, children }: Props) {
  const id = useId()
  return (
    <section className="card figure" aria-labelledby={id} data-tone={tone}>
      <h2 id={id} className="eyebrow">
        {title}
      </h2>
      <dl className="readings">
        {readings.map(({ label, value, color }) => (
          <div key={label}>
            <dt>
              {color && <span className={`swatch swatch${color}`} aria-hidden="true" />}
              {label}
            </dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {children}
      <p className="quiet figure-note">{note}</p>
    </section>
  )
}
