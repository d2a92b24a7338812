import { createHash } from 'node:crypto'
import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { IncomingMessage } from './transport.ts'

/** Keys are indexed where they wait, and an index entry of PostgreSQL has room for 2,704 bytes. */
const keyBytesMax = 1_000

export const toIncoming = (topic: string, partition: number, message: KafkaMessage): IncomingMessage => ({
  topic,
  partition,
  offset: BigInt(message.offset),
  key: message.key === null ? null : boundedKey(text(message.key)),
  value: message.value,
  headers: toHeaders(message.headers ?? {}),
  timestamp: toTime(Number(message.timestamp)),
})

/** PostgreSQL stores no NUL, so none comes further than here. */
export const text = (bytes: Buffer | string) => bytes.toString().replaceAll('\0', '\ufffd')

export function boundedKey(key: string): string {
  if (Buffer.byteLength(key) <= keyBytesMax) return key
  const start = Buffer.from(key)
    .subarray(0, keyBytesMax / 2)
    .toString()
  return `${start}… sha256:${createHash('sha256').update(key).digest('hex')}`
}

function toHeaders(headers: IHeaders): Record<string, string> {
  const read: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value
    // kafkajs does not say so, but a header may have no value, which it reads as null: it counts as absent.
    if (first !== undefined && first !== null) read[name] = text(first)
  }
  return read
}

/** Producers may stamp anything, such as microseconds: what is no time that can be stored becomes the nearest one. */
export const toTime = (ms: number) => new Date(Math.min(Math.max(ms, 0), Date.UTC(9999, 0)) || 0)
