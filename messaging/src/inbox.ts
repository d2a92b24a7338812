import { sql, type Transaction } from 'kysely'
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
  const { rows } = await sql<{ event_id: string }>`
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
  return new Set(rows.map(row => row.event_id))
}
