import { useMutation } from '@tanstack/react-query'
import type { ParkedLetter } from 'edge/operator-schema'
import { counted, outcomeWords } from 'edge/operator-words'
import { useId, useState } from 'react'
import { ignoreSecondClick } from '../shell/ignore-second-click.ts'
import { Failed } from '../shell/states.tsx'
import { dateTime } from '../time/time.ts'
import { Behind } from './behind.tsx'
import { DiscardForm } from './discard-form.tsx'
import { type ActName, carryOut, type Operator, previewAct } from './operator.ts'
import { Payload } from './payload.tsx'
import { PreviewPanel } from './preview-panel.tsx'

type Props = {
  letter: ParkedLetter
  operator: Operator
  /** What became of the letter; undefined where it is parked as before. */
  onActed: (told: string | undefined) => void
}

/** One parked message: what it is, why it is here, and what can be done. */
export function LetterCard({ letter, operator, onActed }: Props) {
  const { id, service, reason, waiting } = letter
  const heading = useId()
  const [isDiscarding, setDiscarding] = useState(false)
  const name = `${service}/${id}`
  const trying = useMutation({
    mutationFn: (act: ActName) => previewAct(operator, service, id, act),
    onMutate: () => acting.reset(),
  })
  const acting = useMutation({
    mutationFn: ({ act, why }: { act: ActName; why: string }) => carryOut(operator, service, id, act, why),
    onSuccess: (outcome, { act }) => {
      trying.reset()
      onActed(outcome.outcome === 'failed' ? undefined : `${name}: ${outcomeWords(service, act, outcome)}`)
    },
  })
  const failed = acting.data?.outcome === 'failed' ? acting.data : undefined
  const act = (what: ActName, why = '') => {
    if (!acting.isPending) acting.mutate({ act: what, why })
  }
  return (
    <article className="card letter" aria-labelledby={heading}>
      <h3 id={heading}>{name}</h3>
      <p className="letter-reason">{reason ?? 'No reason is recorded.'}</p>
      <Facts letter={letter} />
      <Payload name={name} payload={letter.payload} />
      {waiting > 0 && <Behind letter={letter} operator={operator} />}
      <div className="letter-acts">
        <button
          type="button"
          className="button"
          aria-disabled={trying.isPending}
          onClick={() => trying.isPending || trying.mutate('redrive')}
        >
          {trying.isPending ? 'Trying…' : 'Dry run'}
        </button>
        <button
          type="button"
          className="button primary"
          aria-disabled={acting.isPending}
          onClick={event => {
            ignoreSecondClick(event)
            if (event.detail <= 1) act('redrive')
          }}
        >
          {acting.isPending ? 'Working…' : 'Redrive'}
        </button>
        <button
          type="button"
          className="button danger"
          aria-expanded={isDiscarding}
          onClick={() => setDiscarding(!isDiscarding)}
        >
          Discard…
        </button>
      </div>
      {isDiscarding && (
        <DiscardForm
          name={name}
          isBusy={acting.isPending}
          onCancel={() => setDiscarding(false)}
          onTry={() => trying.isPending || trying.mutate('discard')}
          onDiscard={why => act('discard', why)}
        />
      )}
      {trying.error && <Failed error={trying.error} />}
      {trying.data && trying.variables && (
        <PreviewPanel service={service} act={trying.variables} preview={trying.data} />
      )}
      {acting.error && <Failed error={acting.error} />}
      {failed && (
        <div className="failed" role="alert">
          <p>{outcomeWords(service, 'redrive', failed)}</p>
          <p className="letter-reason">{failed.reason}</p>
        </div>
      )}
    </article>
  )
}

function Facts({ letter }: { letter: ParkedLetter }) {
  const { key, topic, partition, offset, event_id, consumer, attempts, parked_at } = letter
  const facts = [
    ['Key', key ?? 'none'],
    ['Parked', dateTime(new Date(parked_at))],
    ['Consumer', `${consumer}, ${counted(attempts, 'attempt')}`],
    ['Place', `${topic} ${partition}/${offset}`],
    ['Event id', event_id],
  ]
  return (
    <dl className="letter-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="break">{value}</dd>
        </div>
      ))}
    </dl>
  )
}
