import {
  createAPI,
  FetchIsolationLevels,
  fetchV13,
  type Reader,
  ResponseError,
  Writer,
} from '@platformatic/kafka'
import type { Aborted } from './decode-record-batch.ts'
import { fetchBytesMax, fetchPartitionBytesMax } from './kafka-settings.ts'

/** How long the broker holds back an answer without messages. */
const fetchWaitMs = 500
const none = -1

type Asked = { topicId: string; partition: number; next: bigint; leaderEpoch?: number | undefined }
type Answered = {
  topicId: string
  partition: number
  records: Buffer
  aborted: Aborted[]
  /** Where the broker's log ends for the epoch that was asked with, if that is before the offset asked for (KIP-320). */
  divergedAt: bigint | undefined
}

/**
 * Of each partition that has something, its record batches as they are; what transactions have not committed yet is not
 * answered. Its errors are those of the client. Version 13, as of Kafka 3.1, knows topics by their ids: a topic that was
 * made again is another.
 */
export const fetchRecords = createAPI<[Asked[]], Answered[]>(
  fetchV13.api.key,
  fetchV13.api.version,
  (asked: Asked[]) =>
    Writer.create()
      .append(head)
      .appendUnsignedVarInt(asked.length + 1)
      .append(placesAsked(asked))
      .append(tail),
  readAnswer,
).async

const head = Writer.create()
  .appendInt32(none) // replica, of which this is none
  .appendInt32(fetchWaitMs)
  .appendInt32(1) // byte that is worth an answer
  .appendInt32(fetchBytesMax)
  .appendInt8(FetchIsolationLevels.READ_COMMITTED)
  .appendInt32(0) // session
  .appendInt32(none).buffer // its epoch: of no session

const tail = Writer.create()
  .appendArray([], () => {}) // to be forgotten, of a session
  .appendString('') // rack
  .appendTaggedFields().buffer

const askedBytes = 51

/**
 * Each by itself, to be answered in this order also where partitions of two topics take turns. In one buffer: the
 * client's own has eight for each.
 */
function placesAsked(asked: Asked[]): Buffer {
  const places = Buffer.alloc(asked.length * askedBytes)
  for (const [index, { topicId, partition, next, leaderEpoch }] of asked.entries()) {
    const at = index * askedBytes
    places.write(topicId.replaceAll('-', ''), at, 'hex')
    places[at + 16] = 2 // one partition follows
    places.writeInt32BE(partition, at + 17)
    places.writeInt32BE(none, at + 21) // leader epoch
    places.writeBigInt64BE(next, at + 25)
    places.writeInt32BE(leaderEpoch ?? none, at + 33) // epoch fetched last
    places.writeBigInt64BE(BigInt(none), at + 37) // first offset of a replica
    places.writeInt32BE(fetchPartitionBytesMax, at + 45)
  }
  return places
}

function readAnswer(_: number, apiKey: number, apiVersion: number, reader: Reader): Answered[] {
  const errors: Record<string, [number, null]> = {}
  const noteError = (path: string, code: number) => {
    if (code !== 0) errors[path] = [code, null]
  }
  reader.skip(4) // throttled for
  noteError('/', reader.readInt16())
  reader.skip(4) // session
  const answered = reader.readArray((reader, topic) => {
    const topicId = reader.readUUID()
    const readPartition = (reader: Reader, index: number): Answered => {
      const partition = reader.readInt32()
      noteError(`/responses/${topic}/partitions/${index}`, reader.readInt16())
      reader.skip(24) // high watermark, last stable offset, first offset
      const aborted = reader.readArray(reader => ({
        producerId: reader.readInt64(),
        firstOffset: reader.readInt64(),
      }))
      reader.skip(4) // preferred replica
      return { topicId, partition, aborted, records: readRecords(reader), divergedAt: readDivergedAt(reader) }
    }
    return reader.readArray(readPartition, true, false)
  })
  if (Object.keys(errors).length > 0) throw new ResponseError(apiKey, apiVersion, errors, answered)
  return answered.flat().filter(({ records, divergedAt }) => records.length > 0 || divergedAt !== undefined)
}

/** Of the partition's tagged fields, which the client would pass over. */
function readDivergedAt(reader: Reader): bigint | undefined {
  let divergedAt: bigint | undefined
  for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
    const tag = reader.readUnsignedVarInt()
    const end = reader.readUnsignedVarInt() + reader.position
    if (tag === 0) {
      reader.skip(4) // epoch
      divergedAt = reader.readInt64()
    }
    reader.skip(end - reader.position)
  }
  return divergedAt
}

/** In one buffer: a part of the answer's where they came in one piece, and else a copy. */
function readRecords(reader: Reader): Buffer {
  const bytes = Math.max(0, reader.readUnsignedVarInt() - 1)
  const from = reader.position
  reader.skip(bytes)
  return reader.buffer.slice(from, from + bytes)
}
