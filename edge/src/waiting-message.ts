import { type Kysely, sql } from 'kysely'

/** Where a message lies, and when it was published and came; null where that is no longer known. */
export type KnownMessage = {
  topic: string | null
  partition: number | null
  offset: bigint | null
  published_at: Date | null
  processed_at: Date | null
}

/**
 * A message about an order that is parked or waits behind one that is: who asks for the timeline of that order wants to
 * know that it has come. Reads what is open, by its partial index; which event is that of an order, only its message says.
 */
export async function findWaitingMessage<DB>(
  db: Kysely<DB>,
  { consumer, topic, orderId }: { consumer: string; topic: string; orderId: string },
): Promise<KnownMessage | undefined> {
  const { rows } = await sql<KnownMessage>`
    select letter.topic, letter."partition", letter."offset", letter.published_at, inbox.processed_at
    from dead_letters as letter left join inbox using (consumer, event_id)
    where letter.consumer = ${consumer} and letter.topic = ${topic}
      and letter.state in ('parked', 'waiting')
      and (letter.event_id = ${orderId} or letter.headers ->> 'ce_subject' = ${orderId})
    limit 1`.execute(db)
  return rows[0]
}
