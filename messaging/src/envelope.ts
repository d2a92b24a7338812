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
      ce_time: row.created_at,
      ce_subject: row.aggregate_id,
      'content-type': 'application/json',
    },
  }
}

/** The CloudEvents id, or undefined for a message of a program that sets none (or an empty or unusable one). */
export function eventIdOf(message: IncomingMessage): string | undefined {
  const id = message.headers.ce_id
  return id !== undefined && id.length > 0 && id.length <= 255 && id.isWellFormed() && !id.includes('\0')
    ? id
    : undefined
}
