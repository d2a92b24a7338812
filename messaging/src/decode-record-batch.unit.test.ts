import { createRecordsBatch, Reader, readRecordsBatches } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeRecordBatches } from './decode-record-batch.ts'
import { encodeRecordBatch } from './record-batch.ts'
import {
  anyBatches,
  anyText,
  type Batch,
  codecs,
  decode,
  encode,
  endOf,
  expected,
  headersOf,
  isControl,
  isTransactional,
  place,
  some,
  type Written,
} from './record-batch-fixture.ts'
import { boundedKey, text } from './storable-message.ts'

describe('what is read', () => {
  test('is what another encoder wrote, from any place on: gaps, marks, packed, any bytes, times of 64 bits', () => {
    fc.assert(
      fc.property(anyBatches, fc.nat(60), (batches, into) => {
        const next = 2n ** 33n + BigInt(into)
        const from = batches.filter(batch => endOf(batch) > next)
        expect(decode(Buffer.concat(from.map(encode)), next)).toEqual(expected(from, next))
      }),
      { numRuns: 300 },
    )
  })

  test('is what our own encoder wrote', () => {
    const message = fc.record({
      topic: fc.constant('t'),
      key: fc.option(anyText),
      value: anyText,
      headers: fc.dictionary(anyText, anyText, { maxKeys: 40 }),
    })
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 50 }), fc.nat(), (messages, timestampMs) => {
        const read = decode(encodeRecordBatch(messages, timestampMs))
        expect(read.next).toBe(BigInt(messages.length))
        expect(read.messages).toEqual(
          messages.map(({ key, value, headers }, index) => ({
            topic: 't',
            partition: 3,
            offset: BigInt(index),
            key: key === null ? null : boundedKey(text(key)),
            value: Buffer.from(value),
            headers: headersOf(
              Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]),
            ),
            timestamp: new Date(timestampMs),
          })),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('is what the client itself writes and reads', () => {
    const message = fc.record({
      topic: fc.constant('t'),
      key: fc.option(
        anyText.map(text => Buffer.from(text)),
        { nil: undefined },
      ),
      value: fc.option(
        anyText.map(text => Buffer.from(text)),
        { nil: undefined },
      ),
      headers: fc.uniqueArray(fc.tuple(anyText, anyText), { selector: ([name]) => name, maxLength: 9 }),
      timestamp: fc.bigInt({ min: 1_760_000_000_000n, max: 1_760_000_000_000n + 2n ** 30n }),
    })
    const batch = fc.tuple(fc.array(message, { minLength: 1, maxLength: 20 }), fc.constantFrom(...codecs))
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 3 }), drawn => {
        const records = Buffer.concat(
          drawn.map(([messages, compression]) => {
            const of = messages.map(({ headers, ...message }) => ({
              ...message,
              headers: new Map(headers.map(([name, value]) => [Buffer.from(name), Buffer.from(value)])),
            }))
            return createRecordsBatch(of as never, { compression }).buffer
          }),
        )
        const byClient = readRecordsBatches(Reader.from(records)).flatMap(({ firstTimestamp, records }) =>
          records.map(({ key, value, headers, offsetDelta, timestampDelta }) => ({
            topic: 't',
            partition: 3,
            offset: BigInt(offsetDelta),
            key: key && boundedKey(text(key)),
            value,
            headers: headersOf(headers),
            timestamp: new Date(Number(firstTimestamp + timestampDelta)),
          })),
        )
        const written = drawn.flatMap(([messages]) => messages)
        expect(byClient.map(({ timestamp }) => BigInt(+timestamp))).toEqual(
          written.map(({ timestamp }) => timestamp),
        )
        const next = BigInt(drawn.at(-1)![0].length)
        expect(decode(records)).toEqual({ messages: byClient, next, leaderEpoch: 0 })
      }),
      { numRuns: 100 },
    )
  })

  test('is no copy: values are parts of what came, and nothing else keeps it', () => {
    const records = encode(some)
    const [first, second] = decode(records).messages
    expect(first!.value!.buffer).toBe(records.buffer)
    expect(second!.headers).toEqual({ ce_id: '1' })
    records.fill('x')
    expect(decode(encode(some)).messages[0]!.headers).toEqual({ ce_id: '1' })
    expect(first!.headers).toEqual({ ce_id: '1' })
  })
})

test('text that begins or sounds like the last message’s is read for itself', () => {
  const values = ['abc', 'abd', 'ab', 'abcd', 'abc', 'ab\0', 'ab\ufffd', 'é', '\xe9', '', 'abc']
  const bytes = [
    ...values.map(value => Buffer.from(value)),
    Buffer.of(0xe9),
    Buffer.from('é'),
    Buffer.of(0xe9),
  ]
  const written = bytes.map(
    (value, offsetDelta): Written => ({
      ...some.written[0]!,
      offsetDelta,
      headers: [
        [value, Buffer.from('x')],
        [Buffer.from('h'), value],
      ],
    }),
  )
  const batch = { ...some, lastOffsetDelta: bytes.length - 1, written }
  expect(decode(encode(batch))).toEqual(expected([batch], 0n))
})

test.each(['k'.repeat(1_001), 'ä'.repeat(501), '€'.repeat(334), '😀'.repeat(251)])(
  'a key of more than 1,000 bytes is its start and what it hashes to: %#',
  key => {
    const written = [{ ...some.written[0]!, key: Buffer.from(key) }]
    const [message] = decode(encode({ ...some, written })).messages
    expect(message!.key).toMatch(/… sha256:[0-9a-f]{64}$/)
  },
)

describe('a last batch that is cut short', () => {
  test('counts as not there, wherever it is cut', () => {
    const packed = { ...some, firstOffset: 103n, codec: 'lz4' as const }
    const last = { ...some, firstOffset: 106n }
    const all = [some, packed, last]
    const encoded = all.map(encode)
    const records = Buffer.concat(encoded)
    const ends = encoded.map((_, index) => Buffer.concat(encoded.slice(0, index + 1)).length)
    for (let bytes = 0; bytes <= records.length; bytes++) {
      const whole = ends.filter(end => end <= bytes).length
      expect(decode(records.subarray(0, bytes), 100n)).toEqual(expected(all.slice(0, whole), 100n))
    }
  })
})

describe('transactions', () => {
  const at = (firstOffset: bigint, producerId: bigint, attributes = isTransactional): Batch => ({
    ...some,
    firstOffset,
    lastOffsetDelta: 0,
    written: some.written.slice(0, 1),
    producerId,
    attributes,
  })
  const mark = isTransactional | isControl
  const offsets = (batches: Batch[], aborted: [producerId: bigint, firstOffset: bigint][], next = 0n) =>
    decodeRecordBatches(
      place(next),
      Buffer.concat(batches.map(encode)),
      aborted.map(([producerId, firstOffset]) => ({ producerId, firstOffset })),
    ).messages.map(({ offset }) => Number(offset))

  test('what was given up is no message: from its first offset to its mark, and nothing of others', () => {
    const log = [
      at(0n, 1n),
      at(1n, 1n, mark),
      at(2n, 1n),
      at(3n, 2n),
      at(4n, 1n),
      at(5n, -1n, 0),
      at(6n, 1n, mark),
      at(7n, 1n),
      at(8n, 2n, mark),
      at(9n, 2n),
      at(10n, 2n, mark),
      at(11n, 1n, 0),
    ]
    expect(offsets(log, [[1n, 2n]])).toEqual([0, 3, 5, 7, 9, 11])
    expect(
      offsets(log, [
        [2n, 9n],
        [1n, 2n],
      ]),
    ).toEqual([0, 3, 5, 7, 11])
    expect(
      offsets(log, [
        [1n, 7n],
        [1n, 2n],
      ]),
    ).toEqual([0, 3, 5, 9, 11])
    expect(offsets(log.slice(4), [[1n, 2n]], 4n)).toEqual([5, 7, 9, 11])
    expect(offsets(log.slice(0, 5), [[1n, 2n]])).toEqual([0, 3])
  })

  test('where nothing came, the epoch is that of what came before', () => {
    const before = { ...place(5n), leaderEpoch: 3 }
    expect(decodeRecordBatches(before, Buffer.alloc(0))).toEqual({ messages: [], next: 5n, leaderEpoch: 3 })
  })

  test('the place moves past what is no message', () => {
    const past = { messages: [], next: 6n, leaderEpoch: 4 }
    expect(decode(encode(at(5n, 1n, mark)), 5n)).toEqual(past)
    const aborted = [{ producerId: 1n, firstOffset: 5n }]
    expect(decodeRecordBatches(place(5n), encode(at(5n, 1n)), aborted)).toEqual(past)
  })
})
