import { sql, type Transaction } from 'kysely'
import { placeOf } from './envelope.ts'
import type { IncomingMessage } from './transport.ts'

export type Received = { eventId: string; source: IncomingMessage }

/**
 * Remembers the messages in the caller's transaction and answers the ids that were not known before: only those
 * may have an effect. One statement for any number; event ids must be distinct. Waits for another transaction that
 * is taking the same id, and goes by its outcome. Taken in id order, so that two consumers cannot deadlock here.
 */
export async function takeNew<DB>(
  trx: Transaction<DB>,
  consumer: string,
  received: Received[],
): Promise<Set<string>> {
  const sources = received.map(({ source }) => source)
  const forgotten = forgetFormer(trx, consumer, received)
  const taken = sql<{ event_id: string }>`
    insert into inbox (consumer, event_id, topic, "partition", "offset", published_at)
    select ${consumer}, * from unnest(
      ${received.map(({ eventId }) => eventId)}::text[],
      ${sources.map(({ topic }) => topic)}::text[],
      ${sources.map(({ partition }) => partition)}::int[],
      ${sources.map(({ offset }) => String(offset))}::bigint[],
      ${sources.map(({ timestamp }) => timestamp)}::timestamptz[]
    ) as received (event_id, topic, "partition", "offset", published_at)
    order by event_id
    on conflict do nothing
    returning event_id`.execute(trx)
  // Asked for at once, or what has to come after this in a trip would come between.
  const [{ rows }] = await Promise.all([taken, ...forgotten])
  return new Set(rows.map(row => row.event_id))
}

/**
 * A topic that is made again, or has lost its end, has other messages in the places of those that were handled: they are
 * told apart by their time. Letters of the former ones stay, under names of their own.
 */
function forgetFormer<DB>(trx: Transaction<DB>, consumer: string, received: Received[]): Promise<unknown>[] {
  const byPlace = received.filter(({ eventId, source }) => eventId === placeOf(source))
  if (byPlace.length === 0) return []
  const forget = sql`
    with places as materialized (
      select * from unnest(
        ${byPlace.map(({ eventId }) => eventId)}::text[],
        ${byPlace.map(({ source }) => source.timestamp)}::timestamptz[]) as p (event_id, published_at)
    ), forgotten as (
      delete from inbox i using places p
      where i.consumer = ${consumer} and i.event_id = p.event_id and i.published_at <> p.published_at
    )
    update dead_letters d set event_id = d.event_id || ' of ' || d.published_at::text
    from places p
    where d.consumer = ${consumer} and d.event_id = p.event_id and d.published_at <> p.published_at`
  return [forget.execute(trx)]
}
