import { type Kysely, type RawBuilder, sql } from 'kysely'
import { handledMessage } from './handled-message.ts'
import type { Discarded } from './timeline.ts'

/** Where a message lies, and when it was published and came; null where that is no longer known. */
export type KnownMessage = {
  topic: string | null
  partition: number | null
  offset: bigint | null
  published_at: Date | null
  processed_at: Date | null
}
type LetterRow = KnownMessage & { id: string; act: string | null; discarded_at: Date | null }

/** Of one consumer; `detail` says what it means for an order that a message about it was discarded there. */
type Wanted = {
  service: 'orders' | 'payments'
  consumer: string
  topic: string
  orderId: string
  detail: string
}
type PutAside = { message: KnownMessage; discarded: Discarded | undefined }

const open = sql`letter.state in ('parked', 'waiting')`
const discarded = sql`letter.state = 'discarded'`

/**
 * A message about an order that is parked, waits behind one that is, or was discarded: who asks for the timeline of that
 * order wants to know that it has come, and whether it will ever have an effect. Reads what is open, or else what was
 * discarded, each by its partial index; which event is that of an order, only its message says.
 */
export async function findPutAside<DB>(db: Kysely<DB>, wanted: Wanted): Promise<PutAside | undefined> {
  const letter = (await findLetter(db, wanted, open)) ?? (await findLetter(db, wanted, discarded))
  return letter && { message: letter, discarded: discardedOf(letter, wanted) }
}

/** The latest, where there are several. */
async function findLetter<DB>(
  db: Kysely<DB>,
  { consumer, topic, orderId }: Wanted,
  isSuch: RawBuilder<unknown>,
): Promise<LetterRow | undefined> {
  const { rows } = await sql<LetterRow>`
    select letter.topic, letter."partition", letter."offset", letter.published_at, inbox.processed_at,
           letter.id::text, act.id::text as act, act.at as discarded_at
    from dead_letters as letter left join ${handledMessage(consumer, 'letter.event_id')} on true
    left join operator_acts as act
      on act.dead_letter_id = letter.id and act.act = 'discard' and act.outcome = 'done'
    where letter.consumer = ${consumer} and letter.topic = ${topic} and ${isSuch}
      and (letter.event_id = ${orderId} or letter.headers ->> 'ce_subject' = ${orderId})
    -- Not by id, along whose index all letters would be read.
    order by letter.created_at desc
    limit 1`.execute(db)
  return rows[0]
}

function discardedOf(
  { id, act, discarded_at }: LetterRow,
  { service, detail }: Wanted,
): Discarded | undefined {
  if (act === null || discarded_at === null) return undefined
  return {
    service: `${service}-service`,
    at: discarded_at.toISOString(),
    act,
    dead_letter: `${service}/${id}`,
    detail,
  }
}
