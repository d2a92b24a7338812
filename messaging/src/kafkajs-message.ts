import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { IncomingMessage } from './transport.ts'

export const toIncoming = (topic: string, partition: number, message: KafkaMessage): IncomingMessage => ({
  topic,
  partition,
  offset: BigInt(message.offset),
  key: message.key === null ? null : text(message.key),
  value: message.value,
  headers: toHeaders(message.headers ?? {}),
  timestamp: new Date(Number(message.timestamp)),
})

function toHeaders(headers: IHeaders): Record<string, string> {
  const read: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value
    if (first !== undefined) read[name] = text(first)
  }
  return read
}

/** PostgreSQL stores no NUL, so none comes further than here. */
const text = (bytes: Buffer | string) => bytes.toString().replaceAll('\0', '\ufffd')
