import type { IncomingMessage, OutgoingMessage } from './transport.ts'

/** An outbox row as the relay reads it. */
export type OutboxRow = {
  id: bigint
  event_id: string
  aggregate_type: string
  aggregate_id: string
  event_type: string
  topic: string
  key: string | null
  payload: string
  headers: string | null
  created_at: string
}

/** CloudEvents 1.0, Kafka binary content mode: attributes as `ce_` headers, the data as the value. */
export function toMessage(row: OutboxRow, source: string): OutgoingMessage {
  return {
    topic: row.topic,
    key: row.key,
    value: row.payload,
    headers: {
      ...(row.headers === null ? undefined : (JSON.parse(row.headers) as Record<string, string>)),
      ce_specversion: '1.0',
      ce_id: row.event_id,
      ce_type: row.event_type,
      ce_source: source,
      ce_time: rfc3339(row.created_at),
      ce_subject: row.aggregate_id,
      'content-type': 'application/json',
    },
  }
}

/** 2026-11-21 10:52:39.12+00 → 2026-11-21T10:52:39.12+00:00 */
const rfc3339 = (timestamptz: string) => timestamptz.replace(' ', 'T').replace(/[+-]\d\d$/, '$&:00')

/** The CloudEvents id, or undefined for a message of a program that sets none (or an empty or unusable one). */
export const eventIdOf = (message: IncomingMessage): string | undefined => usableId(message.headers.ce_id)

/** What the inbox can remember a message by: 1 to 255 characters that PostgreSQL can store. */
export const usableId = (id: string | undefined): string | undefined =>
  id && id.length <= 255 && id.isWellFormed() && !id.includes('\0') ? id : undefined

/** What a message without an id of its own is known by, with its time. */
export const placeOf = ({ topic, partition, offset }: IncomingMessage) => `${topic}/${partition}/${offset}`
