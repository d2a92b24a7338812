import type { Preview } from 'edge/operator-schema'
import { changeWords, stepWords } from 'edge/operator-words'
import { useId } from 'react'
import type { ActName } from './operator.ts'

/** What a dry run saw. */
export function PreviewPanel(props: { service: string; act: ActName; preview: Preview }) {
  const { service, act, preview } = props
  const { steps, changes, events, is_capped } = preview
  const heading = useId()
  return (
    <section className="preview" aria-labelledby={heading} aria-live="polite">
      <h4 id={heading}>Dry run of the {act}: nothing is changed</h4>
      <ol className="preview-steps">
        {steps.map(({ id, outcome, reason }) => (
          <li key={id} data-outcome={outcome}>
            <strong>
              {service}/{id}
            </strong>{' '}
            {stepWords[outcome]}
            {reason && <p className="letter-reason">{reason}</p>}
          </li>
        ))}
      </ol>
      {is_capped && <p className="quiet">More wait behind these, and were not tried.</p>}
      {changes.length === 0 ? (
        <p>No row would be written.</p>
      ) : (
        <>
          <h4>Rows that would be written</h4>
          <ul>
            {changes.map(change => (
              <li key={change.table}>{changeWords(change)}</li>
            ))}
          </ul>
        </>
      )}
      {events.length > 0 && (
        <>
          <h4>Events that would be published</h4>
          <ol className="preview-events">
            {events.map((event, position) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: their order is what tells them apart
              <li key={position}>
                {event.topic}: {event.type} <code className="break">{event.payload}</code>
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  )
}
