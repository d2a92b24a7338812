import { sql } from 'kysely'

/** As `inbox`, to be joined on true: what the consumer remembers of the message whose id is in that column. */
export const handledMessage = (consumer: string, eventIdColumn: string) =>
  // The limit has it looked up by its whole key: a plan of when the inbox was small would read all of it.
  sql<{ topic: string; partition: number; offset: bigint; published_at: Date; processed_at: Date }>`lateral (
    select * from inbox where consumer = ${consumer} and event_id = ${sql.ref(eventIdColumn)} limit 1)`.as<'inbox'>(
    'inbox',
  )
