import { sql, type Transaction } from 'kysely'
import { announced } from './commits.ts'
import type { OutboxEvent } from './event.ts'
import { deferred } from './round-trips.ts'

/** Kafka's default for the largest record batch is 1,048,588 bytes; this leaves room for the envelope. */
const messageBytesMaxDefault = 1_000_000

export class MessageTooLargeError extends Error {
  override name = 'MessageTooLargeError'
}

/**
 * Makes the `appendToOutbox` of one service: it takes just the events of `Events`.
 *
 *     export const appendToOutbox = outboxFor<OrderEvent>()
 *     await appendToOutbox(trx, [event])
 */
export function outboxFor<Events extends OutboxEvent>({ messageBytesMax = messageBytesMaxDefault } = {}) {
  /**
   * Writes the events in the caller's transaction, in one statement: they will be published, in the order given,
   * if and only if it commits. On a connection of saveRoundTrips it travels with the next statement or the commit, and
   * what PostgreSQL has against it is thrown there. Writers that need order between transactions lock what the key stands for first.
   * Throws MessageTooLargeError, before anything is written, for an event over `messageBytesMax` bytes.
   * There the commit wakes the relay, too; elsewhere call `relay.wake()` after it, or the relay finds them at its next poll.
   */
  return async function appendToOutbox<DB>(trx: Transaction<DB>, events: readonly Events[]): Promise<void> {
    if (events.length === 0) return
    const payloads = events.map(event => JSON.stringify(event.payload))
    const headers = events.map(event => (event.headers ? JSON.stringify(event.headers) : null))
    events.forEach((event, i) => {
      const bytes = sizeOf(event.key, payloads[i], headers[i])
      if (bytes > messageBytesMax) throw tooLarge(event, bytes, messageBytesMax)
    })
    const insert = sql`
      insert into outbox (event_id, aggregate_type, aggregate_id, event_type, topic, key, payload, headers)
      select coalesce(event_id, uuidv7()), aggregate_type, aggregate_id, event_type, topic, key, payload, headers
      from unnest(
        ${events.map(event => event.eventId ?? null)}::uuid[],
        ${events.map(event => event.aggregateType)}::text[],
        ${events.map(event => event.aggregateId)}::text[],
        ${events.map(event => event.type)}::text[],
        ${events.map(event => event.topic)}::text[],
        ${events.map(event => event.key)}::text[],
        ${payloads}::json[],
        ${headers}::json[]
      ) with ordinality as e (event_id, aggregate_type, aggregate_id, event_type, topic, key, payload, headers, position)
      order by position`
    await deferred(announced(insert)).execute(trx)
  }
}

const sizeOf = (...texts: (string | null | undefined)[]) =>
  texts.reduce((bytes, text) => bytes + (text ? Buffer.byteLength(text) : 0), 0)

const tooLarge = (event: OutboxEvent, bytes: number, max: number) =>
  new MessageTooLargeError(
    `The event ${event.type} of ${event.aggregateType} ${event.aggregateId} has ${bytes} bytes; ` +
      `the broker takes ${max}. Nothing was written. Send less, or raise messageBytesMax with the topic's max.message.bytes.`,
  )
