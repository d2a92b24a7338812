import type { IHeaders, KafkaMessage } from 'kafkajs'
import { boundedKey, text, toTime } from './storable-message.ts'
import type { IncomingMessage } from './transport.ts'

export const toIncoming = (topic: string, partition: number, message: KafkaMessage): IncomingMessage => ({
  topic,
  partition,
  offset: BigInt(message.offset),
  key: message.key === null ? null : boundedKey(text(message.key)),
  value: message.value,
  headers: toHeaders(message.headers ?? {}),
  timestamp: toTime(Number(message.timestamp)),
})

function toHeaders(headers: IHeaders): Record<string, string> {
  const read: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value
    // kafkajs does not say so, but a header may have no value, which it reads as null: it counts as absent.
    if (first !== undefined && first !== null) read[name] = text(first)
  }
  return read
}
