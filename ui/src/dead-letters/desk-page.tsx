import { useQueries, useQueryClient } from '@tanstack/react-query'
import { counted } from 'edge/operator-words'
import { useRef, useState } from 'react'
import { RequestFailed } from '../api/request.ts'
import { Page } from '../shell/page.tsx'
import { Empty, Failed, Waiting } from '../shell/states.tsx'
import { ActList } from './act-list.tsx'
import { LetterCard } from './letter-card.tsx'
import {
  fetchParked,
  isOperatorAddress,
  listedMax,
  type Operator,
  rememberedOperator,
  rememberOperator,
  services,
} from './operator.ts'
import { TokenForm } from './token-form.tsx'
import './dead-letters.css'

const everyMs = 10_000
const title = 'Dead letters'
const lead = <p>Messages that were put aside, each until a person decides.</p>

export function DeadLettersPage() {
  const [operator, setOperator] = useState(rememberedOperator)
  const choose = (next: Operator | undefined) => {
    rememberOperator(next)
    setOperator(next)
  }
  if (!isOperatorAddress) {
    return (
      <Page title={title} lead={lead}>
        <Empty title="Not at this address">
          The desk is at an address of its own, for operators: port 3001 of the machine that runs the UI,
          unless OPERATOR_PORT says otherwise. It is there once OPERATOR_TOKEN is set.
        </Empty>
      </Page>
    )
  }
  return operator ? (
    <Desk operator={operator} onLeave={() => choose(undefined)} />
  ) : (
    <Page title={title} lead={lead}>
      <TokenForm onGiven={choose} />
    </Page>
  )
}

function Desk({ operator, onLeave }: { operator: Operator; onLeave: () => void }) {
  const queries = useQueryClient()
  const status = useRef<HTMLParagraphElement>(null)
  const [told, setTold] = useState('')
  const parked = useQueries({
    queries: services.map(service => ({
      queryKey: ['dead-letters', service, operator.token],
      queryFn: ({ signal }: { signal: AbortSignal }) => fetchParked(operator, service, signal),
      refetchInterval: everyMs,
    })),
  })
  /** The card that had the focus may be gone with its letter. */
  const tell = async (text: string | undefined) => {
    setTold(text ?? '')
    if (text !== undefined) status.current?.focus()
    await Promise.all(['dead-letters', 'acts'].map(name => queries.invalidateQueries({ queryKey: [name] })))
  }
  const refusal = parked.find(({ error }) => error instanceof RequestFailed && error.status === 401)?.error
  return (
    <Page
      title={title}
      lead={
        <p className="desk-operator">
          Acting as {operator.who}
          <button type="button" className="button small" onClick={onLeave}>
            Leave
          </button>
        </p>
      }
    >
      <p role="status" tabIndex={-1} ref={status} className="desk-told">
        {told}
      </p>
      {refusal ? (
        <Failed error={refusal} onRetry={onLeave} />
      ) : (
        <>
          {services.map((service, index) => {
            const { data, error, refetch } = parked[index]!
            return (
              <section key={service} className="desk-service" aria-labelledby={`${service}-heading`}>
                <h2 id={`${service}-heading`}>
                  {service}-service{' '}
                  {data && (
                    <span className="quiet">{data.length === 0 ? 'nothing is parked' : howMany(data)}</span>
                  )}
                </h2>
                {error && <Failed error={error} onRetry={() => void refetch()} />}
                {!data && !error && <Waiting label="Reading dead letters" />}
                {data?.map(letter => (
                  <LetterCard key={letter.id} letter={letter} operator={operator} onActed={tell} />
                ))}
              </section>
            )
          })}
          <ActList operator={operator} />
        </>
      )}
    </Page>
  )
}

const howMany = (letters: { waiting: number }[]): string => {
  const waiting = letters.reduce((sum, letter) => sum + letter.waiting, 0)
  const capped = letters.length === listedMax ? 'the first ' : ''
  return `${capped}${letters.length} parked, ${counted(waiting, 'message')} waiting behind`
}
