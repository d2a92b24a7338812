import { crc32c, Reader } from '@platformatic/kafka'
import type { OutgoingMessage } from './transport.ts'

/**
 * Messages of one partition as Kafka stores them: a record batch of version 2, not packed, of no producer that Kafka
 * knows (https://kafka.apache.org/documentation/#recordbatch). In one buffer: the client has some forty for each record.
 */
export function encodeRecordBatch(messages: OutgoingMessage[], timestampMs: number): Buffer {
  const bodies = messages.map(bodyBytes)
  const batch = Buffer.allocUnsafe(bodies.reduce((sum, bytes) => sum + varintBytes(bytes) + bytes, headBytes))
  let at = headBytes
  for (const [index, { key, value, headers }] of messages.entries()) {
    at = putVarint(batch, at, bodies[index]!)
    batch[at++] = 0 // attributes
    batch[at++] = 0 // time after the batch's
    at = putVarint(batch, at, index)
    at = putText(batch, at, key)
    at = putText(batch, at, value)
    const names = Object.keys(headers)
    at = putVarint(batch, at, names.length)
    for (const name of names) at = putText(batch, putText(batch, at, name), headers[name]!)
  }
  const none = -1
  batch.writeBigInt64BE(0n, 0) // offset, which the broker gives
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(none, 12) // leader epoch
  batch.writeInt8(2, 16) // version
  batch.writeInt16BE(0, 21) // attributes
  batch.writeInt32BE(messages.length - 1, 23)
  batch.writeBigInt64BE(BigInt(timestampMs), 27)
  batch.writeBigInt64BE(BigInt(timestampMs), 35)
  batch.writeBigInt64BE(BigInt(none), 43) // producer
  batch.writeInt16BE(none, 51) // its epoch
  batch.writeInt32BE(none, 53) // its sequence
  batch.writeInt32BE(messages.length, 57)
  batch.writeUInt32BE(checksumOf(batch.subarray(21)), 17)
  return batch
}

/** Before the records of a batch. */
export const headBytes = 61

/** Bytes handed to it as they are, the client copies first: 0.26 µs for 440 bytes of many, instead of 0.08. */
export const checksumOf = (bytes: Buffer) => crc32c(Reader.from(bytes).buffer)

function bodyBytes({ key, value, headers }: OutgoingMessage, index: number): number {
  let bytes = 2 + varintBytes(index) + textBytes(key) + textBytes(value)
  const names = Object.keys(headers)
  bytes += varintBytes(names.length)
  for (const name of names) bytes += textBytes(name) + textBytes(headers[name]!)
  return bytes
}

function textBytes(text: string | null): number {
  if (text === null) return 1
  const bytes = Buffer.byteLength(text)
  return varintBytes(bytes) + bytes
}

function putText(into: Buffer, at: number, text: string | null): number {
  if (text === null) {
    into[at] = 1 // zigzag of -1
    return at + 1
  }
  const begin = putVarint(into, at, Buffer.byteLength(text))
  return begin + into.write(text, begin)
}

/** Of a length or index, which are not negative; zigzag doubles it. */
function putVarint(into: Buffer, at: number, value: number): number {
  let rest = value << 1
  while (rest > 0x7f) {
    into[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  into[at++] = rest
  return at
}

const varintBytes = (value: number): number => {
  let bytes = 1
  for (let rest = value << 1; rest > 0x7f; rest >>>= 7) bytes++
  return bytes
}

/** Where Kafka's own client puts the key: its murmur2 (Apache Kafka, Utils.murmur2), made positive. */
export const partitionOf = (key: string, partitions: number): number =>
  (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions

function murmur2(data: Buffer): number {
  const m = 0x5bd1e995
  const { length } = data
  let hash = 0x9747b28c ^ length
  const whole = length & ~3
  for (let at = 0; at < whole; at += 4) {
    let k = Math.imul(data.readInt32LE(at), m)
    k = Math.imul(k ^ (k >>> 24), m)
    hash = Math.imul(hash, m) ^ k
  }
  if (length > whole) hash = Math.imul(hash ^ data.readUIntLE(whole, length - whole), m)
  hash = Math.imul(hash ^ (hash >>> 13), m)
  return hash ^ (hash >>> 15)
}
