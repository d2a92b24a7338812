import { type RawBuilder, sql } from 'kysely'

/**
 * Folds texts into 64 bits, whatever their order: an aggregate over rows. md5, since it means the same in every
 * version of PostgreSQL, which hashtext does not promise; nobody is kept from forging it, and nobody gains by it.
 */
export const digestOf = (text: RawBuilder<unknown>) =>
  sql`coalesce(bit_xor(('x' || left(md5(${text}), 16))::bit(64)::bigint), 0)::text`

/**
 * Whether a message ought to be remembered and is not. By age: what is older than the inbox's floor was dropped, with
 * a minute for clocks that differ. A message that was put aside and handled later is known by its dead letter for as
 * long. A subquery for each row, since a join would be planned as a scan of the whole inbox.
 */
export const isForgotten = (consumer: string, eventId: RawBuilder<unknown>, handledAt: RawBuilder<unknown>) =>
  sql`(${handledAt} > (select coalesce(max(forgotten_before), '-infinity') from inbox_floor) + interval '1 min'
    and (select true from inbox where consumer = ${consumer} and event_id = ${eventId}) is null
    and (select true from dead_letters where consumer = ${consumer} and event_id = ${eventId}) is null)`
