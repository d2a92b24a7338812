import { type Connection, fetchV13, Reader, Writer } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isError } from './platformatic-client.ts'
import { fetchRecords } from './platformatic-fetch.ts'

type Asked = Parameters<typeof fetchRecords>[1]
type Parts = {
  partition: number
  error: number
  aborted: [bigint, bigint][] | null
  records: Buffer | null
  divergedAt: bigint | null
}[]

/** Instead of a broker: keeps what it is sent and gives one answer. */
async function ask(asked: Asked, answer: Buffer) {
  let sent: Buffer | undefined
  const send: Connection['send'] = (key, version, createPayload, parse, _, __, done) => {
    sent = (createPayload() as Writer).buffer
    try {
      done(null, parse(1, key, version, Reader.from(answer)) as never)
    } catch (error) {
      done(error as Error, undefined as never)
    }
  }
  const read = await fetchRecords({ send } as Connection, asked)
  return { sent, read }
}

const answerOf = (topics: [string, Parts][], error = 0) =>
  Writer.create()
    .appendInt32(0)
    .appendInt16(error)
    .appendInt32(0)
    .appendArray(topics, (writer, [id, parts]) =>
      writer.appendUUID(id).appendArray(
        parts,
        (writer, { partition, error, aborted, records, divergedAt }) => {
          writer.appendInt32(partition).appendInt16(error).appendInt64(9n).appendInt64(8n).appendInt64(7n)
          writer.appendArray(aborted, (writer, [producer, first]) =>
            writer.appendInt64(producer).appendInt64(first),
          )
          writer.appendInt32(-1).appendUnsignedVarInt(records ? records.length + 1 : 0)
          if (records) writer.append(records)
          // Each field with its number and its bytes; 7 is one that is not known here, and the last 0 ends what is in field 0.
          writer.appendUnsignedVarInt(divergedAt === null ? 1 : 2)
          if (divergedAt !== null)
            writer.appendInt8(0).appendInt8(13).appendInt32(5).appendInt64(divergedAt).appendInt8(0)
          writer.appendInt8(7).appendInt8(1).appendInt8(99)
        },
        true,
        false,
      ),
    )
    .appendTaggedFields().buffer

const id = fc.uuid()
const offset = fc.bigInt({ min: 0n, max: 2n ** 62n })
const parts = fc.array(
  fc.record({
    partition: fc.nat(500),
    error: fc.constant(0),
    aborted: fc.option(fc.array(fc.tuple(offset, offset), { maxLength: 3 })),
    records: fc.option(fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))),
    divergedAt: fc.option(offset),
  }),
  { maxLength: 5 },
)

test('what is asked is what the client would ask', async () => {
  const leaderEpoch = fc.option(fc.nat(1_000), { nil: undefined })
  const place = fc.record({ topicId: id, partition: fc.nat(500), next: offset, leaderEpoch })
  await fc.assert(
    fc.asyncProperty(fc.array(place, { maxLength: 150 }), async asked => {
      const topics = asked.map(({ topicId, partition, next, leaderEpoch = -1 }) => ({
        topicId,
        partitions: [
          {
            partition,
            fetchOffset: next,
            currentLeaderEpoch: -1,
            lastFetchedEpoch: leaderEpoch,
            partitionMaxBytes: 256 * 1024,
          },
        ],
      }))
      const byClient = fetchV13.createRequest(500, 1, 1024 * 1024, 1, 0, -1, topics, [], '')
      expect((await ask(asked, answerOf([]))).sent).toEqual(byClient.buffer)
    }),
  )
})

test('what is answered is read, of each partition that has something', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(id, parts), { maxLength: 4 }), async topics => {
      expect((await ask([], answerOf(topics))).read).toEqual(
        topics.flatMap(([topicId, parts]) =>
          parts.flatMap(({ partition, aborted, records, divergedAt }) => {
            const transactions = (aborted ?? []).map(([producerId, firstOffset]) => ({
              producerId,
              firstOffset,
            }))
            const part = {
              topicId,
              partition,
              aborted: transactions,
              records: records ?? Buffer.alloc(0),
              divergedAt: divergedAt ?? undefined,
            }
            return records?.length || divergedAt !== null ? [part] : []
          }),
        ),
      )
    }),
  )
})

test.each([
  ['OFFSET_OUT_OF_RANGE', 1],
  ['NOT_LEADER_OR_FOLLOWER', 6],
  ['UNKNOWN_TOPIC_ID', 100],
])('an error of one partition rejects: %s', async (name, error) => {
  const topic = '01234567-89ab-cdef-0123-456789abcdef'
  const part = { partition: 0, error: 0, aborted: null, records: Buffer.of(1), divergedAt: null }
  const failing = ask([], answerOf([[topic, [part, { ...part, partition: 1, error }]]]))
  await expect(failing).rejects.toSatisfy(error => isError(error, name))
  await expect(ask([], answerOf([], error))).rejects.toSatisfy(error => isError(error, name))
})
