import { type Kysely, sql } from 'kysely'
import type { IncomingMessage } from './transport.ts'

export type DeadLetter = {
  id: bigint
  consumer: string
  eventId: string
  source: IncomingMessage
  state: 'parked' | 'waiting' | 'redriven' | 'discarded'
  reason: string | null
  attempts: number
}

/** Open ones, oldest first; `afterId` pages on. */
export async function listDeadLetters<DB>(
  db: Kysely<DB>,
  { consumer, afterId = 0n, limit = 100 }: { consumer?: string; afterId?: bigint; limit?: number } = {},
): Promise<DeadLetter[]> {
  const { rows } = await sql<LetterRow>`
    select ${letterColumns} from dead_letters
    where state in ('parked', 'waiting') and id > ${String(afterId)} and (${consumer ?? null}::text is null or consumer = ${consumer ?? null})
    order by dead_letters.id limit ${limit}`.execute(db)
  return rows.map(toDeadLetter)
}

/** A parked message, and how many wait behind it. */
export type ParkedLetter = DeadLetter & { parkedAt: Date; waiting: number }

/** Those that wait for a person, oldest first; `afterId` pages on. */
export async function listParked<DB>(
  db: Kysely<DB>,
  { consumer, afterId = 0n, limit = 100 }: { consumer: string; afterId?: bigint; limit?: number },
): Promise<ParkedLetter[]> {
  const { rows } = await sql<LetterRow & { created_at: Date; waiting: number }>`
    select ${letterColumns}, created_at, (
      select count(*)::int from dead_letters w
      where w.consumer = d.consumer and w.topic = d.topic and w.key = d.key and w.state = 'waiting'
    ) as waiting
    from dead_letters d
    where consumer = ${consumer} and state = 'parked' and id > ${String(afterId)}
    order by d.id limit ${limit}`.execute(db)
  return rows.map(row => ({ ...toDeadLetter(row), parkedAt: row.created_at, waiting: row.waiting }))
}

/** One letter of a consumer, whatever has become of it. */
export async function findDeadLetter<DB>(
  db: Kysely<DB>,
  consumer: string,
  id: bigint,
): Promise<DeadLetter | undefined> {
  const { rows } = await sql<LetterRow>`
    select ${letterColumns} from dead_letters where consumer = ${consumer} and id = ${String(id)}`.execute(db)
  return rows[0] && toDeadLetter(rows[0])
}

/** What waits behind a parked message, in the order in which it will be handled. */
export async function listBehind<DB>(
  db: Kysely<DB>,
  { consumer, source: { topic, key } }: DeadLetter,
  limit: number,
): Promise<DeadLetter[]> {
  const { rows } = await sql<LetterRow>`
    select ${letterColumns} from dead_letters
    where consumer = ${consumer} and topic = ${topic} and key = ${key} and state = 'waiting'
    order by dead_letters.id limit ${limit}`.execute(db)
  return rows.map(toDeadLetter)
}

export type LetterRow = Omit<DeadLetter, 'id' | 'eventId' | 'source'> & {
  id: string
  event_id: string
  topic: string
  partition: number
  offset: string
  key: string | null
  value: Buffer | null
  headers: Record<string, string>
  published_at: Date
}

// A plain `order by id` would mean the text of this list, and 10 comes before 9 there.
export const letterColumns = sql.raw(
  'id::text, consumer, event_id, topic, "partition", "offset"::text, key, value, headers, published_at, state, reason, attempts',
)

export const toDeadLetter = (row: LetterRow): DeadLetter => ({
  id: BigInt(row.id),
  consumer: row.consumer,
  eventId: row.event_id,
  state: row.state,
  reason: row.reason,
  attempts: row.attempts,
  source: {
    topic: row.topic,
    partition: row.partition,
    offset: BigInt(row.offset),
    key: row.key,
    value: row.value,
    headers: row.headers,
    timestamp: row.published_at,
  },
})
