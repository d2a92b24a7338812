import { murmur2, Reader, readRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeRecordBatch, partitionOf } from './record-batch.ts'

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.constant('x'.repeat(9_000)))
const message = fc.record({
  topic: fc.constant('t'),
  key: fc.option(text),
  value: text,
  headers: fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 70 }), text, { maxKeys: 70 }),
})

test('what is encoded is what another decoder reads, in its order, with offsets and time', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 100 }), fc.nat(), (messages, timestampMs) => {
      const batch = readRecordsBatch(Reader.from(encodeRecordBatch(messages, timestampMs)))
      expect(batch).toMatchObject({
        firstOffset: 0n,
        magic: 2,
        attributes: 0,
        lastOffsetDelta: messages.length - 1,
        firstTimestamp: BigInt(timestampMs),
        maxTimestamp: BigInt(timestampMs),
        producerId: -1n,
      })
      const read = batch.records.map(({ key, value, headers, offsetDelta, timestampDelta }) => ({
        topic: 't',
        key: key === null || key === undefined ? null : key.toString(),
        value: String(value),
        headers: [...headers].map(([name, header]) => [String(name), String(header)]),
        offsetDelta,
        timestampDelta,
      }))
      expect(read).toEqual(
        messages.map((message, index) => ({
          ...message,
          headers: Object.entries(message.headers),
          offsetDelta: index,
          timestampDelta: 0n,
        })),
      )
    }),
    { numRuns: 60 },
  )
})

test('a key is in the partition that another implementation of murmur2 gives', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 100 }), (key, partitions) => {
      expect(partitionOf(key, partitions)).toBe((murmur2(Buffer.from(key)) & 0x7fffffff) % partitions)
    }),
  )
})
