import { useQuery } from '@tanstack/react-query'
import type { ParkedLetter } from 'edge/operator-schema'
import { counted } from 'edge/operator-words'
import { useState } from 'react'
import { Failed, Waiting } from '../shell/states.tsx'
import { fetchLetter, type Operator, type Service } from './operator.ts'

/** What waits behind a parked message, read once somebody looks. */
export function Behind({ letter, operator }: { letter: ParkedLetter; operator: Operator }) {
  const { service, id, waiting } = letter
  const [isOpen, setOpen] = useState(false)
  const { data, error } = useQuery({
    queryKey: ['dead-letters', 'one', service, id, operator.token],
    queryFn: ({ signal }) => fetchLetter(operator, service as Service, id, signal),
    enabled: isOpen,
  })
  return (
    <details className="letter-behind" onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        {counted(waiting, 'message')} of this key {waiting === 1 ? 'waits' : 'wait'} behind it
      </summary>
      {error && <Failed error={error} />}
      {!data && !error && isOpen && <Waiting label="Reading what waits" rows={2} />}
      {data && (
        <ol>
          {data.behind.map(each => (
            <li key={each.id}>
              <strong>
                {service}/{each.id}
              </strong>{' '}
              <code className="break">{each.payload?.text ?? 'no payload'}</code>
            </li>
          ))}
        </ol>
      )}
      {data && waiting > data.behind.length && (
        <p className="quiet">The first {data.behind.length} are shown.</p>
      )}
    </details>
  )
}
