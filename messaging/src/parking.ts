import { sql, type Transaction } from 'kysely'
import type { Received } from './inbox.ts'

/** A message that goes into dead_letters: parked for a reason of its own, or waiting behind one that is. */
export type ToPark = Received & { state: 'parked' | 'waiting'; reason: string | null; attempts: number }

/** One name for a key of a topic; a space cannot be in a topic's name. */
export const keyName = (topic: string, key: string) => `${topic} ${key}`

/**
 * Which of these messages' keys have an open dead letter. Must come after takeNew in the same transaction, and locks
 * what it finds: a redrive that is releasing a key is waited for, and none can release it before we commit.
 */
export async function lockBlockedKeys<DB>(
  trx: Transaction<DB>,
  consumer: string,
  received: Received[],
): Promise<Set<string>> {
  const keyed = received.map(({ source }) => source).filter(({ key }) => key !== null)
  if (keyed.length === 0) return new Set()
  const { rows } = await sql<{ topic: string; key: string }>`
    select topic, key from blocked_keys
    where consumer = ${consumer} and (topic, key) in (
      select * from unnest(${keyed.map(({ topic }) => topic)}::text[], ${keyed.map(({ key }) => key)}::text[]))
    order by topic, key
    for share`.execute(trx)
  return new Set(rows.map(({ topic, key }) => keyName(topic, key)))
}

/** Puts messages aside, in the order given, and blocks the keys of those that are parked. */
export async function park<DB>(trx: Transaction<DB>, consumer: string, letters: ToPark[]): Promise<void> {
  if (letters.length === 0) return
  const sources = letters.map(({ source }) => source)
  await sql`
    insert into dead_letters (consumer, event_id, topic, "partition", "offset", key, value, headers, published_at,
                              state, reason, attempts)
    select ${consumer}, event_id, topic, "partition", "offset", key, value, headers, published_at, state, reason, attempts
    from unnest(
      ${letters.map(({ eventId }) => eventId)}::text[],
      ${sources.map(({ topic }) => topic)}::text[],
      ${sources.map(({ partition }) => partition)}::int[],
      ${sources.map(({ offset }) => String(offset))}::bigint[],
      ${sources.map(({ key }) => key)}::text[],
      ${sources.map(({ value }) => value)}::bytea[],
      ${sources.map(({ headers }) => JSON.stringify(headers))}::json[],
      ${sources.map(({ timestamp }) => timestamp)}::timestamptz[],
      ${letters.map(({ state }) => state)}::text[],
      ${letters.map(({ reason }) => reason)}::text[],
      ${letters.map(({ attempts }) => attempts)}::int[]
    ) with ordinality as l (event_id, topic, "partition", "offset", key, value, headers, published_at, state, reason,
                            attempts, position)
    order by position
    -- Only where the inbox has forgotten it: it is put aside again, in its old place.
    on conflict (consumer, event_id) do update
    set state = excluded.state, reason = excluded.reason, attempts = excluded.attempts, closed_at = null
    where dead_letters.state in ('redriven', 'discarded')`.execute(trx)
  const blocking = letters.flatMap(({ state, source: { topic, key } }) =>
    state === 'parked' && key !== null ? [{ topic, key }] : [],
  )
  if (blocking.length === 0) return
  await sql`
    insert into blocked_keys (consumer, topic, key)
    select distinct ${consumer}, * from unnest(
      ${blocking.map(({ topic }) => topic)}::text[], ${blocking.map(({ key }) => key)}::text[]) as b (topic, key)
    order by topic, key
    -- An update, for its lock: a redrive that is about to delete the row is waited for, and then it is made anew.
    on conflict (consumer, topic, key) do update set key = excluded.key`.execute(trx)
}
