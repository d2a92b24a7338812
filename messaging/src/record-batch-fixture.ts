import { compressionsAlgorithms, crc32c } from '@platformatic/kafka'
import fc from 'fast-check'
import { decodeRecordBatches } from './decode-record-batch.ts'
import { boundedKey, text, toTime } from './storable-message.ts'

export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof codecs)[number]
export type Bytes = Buffer | null
export type Written = {
  offsetDelta: number
  timeDelta: bigint
  key: Bytes
  value: Bytes
  headers: [Bytes, Bytes][]
}
export type Batch = {
  firstOffset: bigint
  lastOffsetDelta: number
  firstTime: bigint
  maxTime: bigint
  attributes: number
  producerId: bigint
  leaderEpoch: number
  codec: Codec
  written: Written[]
}

const isStampedByBroker = 1 << 3
export const isTransactional = 1 << 4
export const isControl = 1 << 5

/** Another encoder, slow and plain, which writes what the two others do not. */
export function encode(batch: Batch): Buffer {
  const head = Buffer.alloc(61)
  const { bitmask, compressSync } = compressionsAlgorithms[batch.codec]
  const plain = Buffer.concat(batch.written.map(recordOf))
  // The client's snappy and lz4 throw at nothing once their memory has grown.
  const records = plain.length === 0 ? plain : compressSync(plain)
  head.writeBigInt64BE(batch.firstOffset, 0)
  head.writeInt32BE(49 + records.length, 8)
  head.writeInt32BE(batch.leaderEpoch, 12)
  head.writeInt8(2, 16)
  head.writeInt16BE(batch.attributes | bitmask, 21)
  head.writeInt32BE(batch.lastOffsetDelta, 23)
  head.writeBigInt64BE(batch.firstTime, 27)
  head.writeBigInt64BE(batch.maxTime, 35)
  head.writeBigInt64BE(batch.producerId, 43)
  head.writeInt32BE(batch.written.length, 57)
  return signed(Buffer.concat([head, records]))
}

export function signed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

export function recordOf({ offsetDelta, timeDelta, key, value, headers }: Written): Buffer {
  const body = Buffer.concat([
    Buffer.of(0),
    varint(timeDelta),
    varint(BigInt(offsetDelta)),
    ...[key, value].map(withLength),
    varint(BigInt(headers.length)),
    ...headers.flat().map(withLength),
  ])
  return withLength(body)
}

const withLength = (bytes: Bytes) =>
  bytes ? Buffer.concat([varint(BigInt(bytes.length)), bytes]) : varint(-1n)

export function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}

export const place = (next: bigint) => ({ topic: 't', partition: 3, next })
export function decode(records: Buffer, next = 0n) {
  const { damage, ...read } = decodeRecordBatches(place(next), records)
  if (damage) throw damage
  return read
}
export const endOf = ({ firstOffset, lastOffsetDelta }: Batch) => firstOffset + BigInt(lastOffsetDelta) + 1n

/** What the batches hold, said in another way: from what was written. */
export function expected(
  batches: Batch[],
  next: bigint,
): Omit<ReturnType<typeof decodeRecordBatches>, 'damage'> {
  const messages = batches
    .filter(({ attributes }) => !(attributes & isControl))
    .flatMap(({ firstOffset, firstTime, maxTime, attributes, written }) =>
      written.map(({ offsetDelta, timeDelta, key, value, headers }) => ({
        ...place(next),
        offset: firstOffset + BigInt(offsetDelta),
        key: key && boundedKey(text(key)),
        value,
        headers: headersOf(headers),
        timestamp: toTime(Number(attributes & isStampedByBroker ? maxTime : firstTime + timeDelta)),
      })),
    )
    .filter(({ offset }) => offset >= next)
    .map(({ next: _, ...message }) => message)
  const last = batches.at(-1)
  return { messages, next: last ? endOf(last) : next, leaderEpoch: last?.leaderEpoch }
}

export const headersOf = (headers: [Bytes, Bytes][]) => {
  const named = headers.flatMap(([name, value]) =>
    name && value ? [[text(name), text(value)] as const] : [],
  )
  return Object.fromEntries(named.toReversed().filter(([name]) => name !== '__proto__'))
}

export const some: Batch = {
  firstOffset: 100n,
  lastOffsetDelta: 2,
  firstTime: 1_760_000_000_000n,
  maxTime: 1_760_000_000_500n,
  attributes: 0,
  producerId: -1n,
  leaderEpoch: 4,
  codec: 'none',
  written: [0, 1, 2].map(offsetDelta => ({
    offsetDelta,
    timeDelta: 0n,
    key: Buffer.from('k'),
    value: Buffer.from(`v${offsetDelta}`),
    headers: [[Buffer.from('ce_id'), Buffer.from('1')]],
  })),
}

export const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.constantFrom(
    '',
    'ce_id',
    'constructor',
    'x\0y',
    'é',
    'x'.repeat(500),
    'ä'.repeat(501),
    'k'.repeat(9_000),
  ),
)
const anyBytes = fc.option(
  fc.oneof(
    anyText.map(text => Buffer.from(text)),
    fc.uint8Array({ maxLength: 90 }).map(bytes => Buffer.from(bytes)),
  ),
)
const anyTimeDelta = fc.oneof(
  fc.bigInt({ min: -200n, max: 200n }),
  fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  fc.bigInt({ min: -(2n ** 35n), max: 2n ** 35n }),
  fc.constantFrom(-(2n ** 27n) - 1n, -(2n ** 27n), 2n ** 27n - 1n, 2n ** 27n, -(2n ** 63n), 2n ** 63n - 1n),
)
const anyTime = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 42n }),
  fc.constantFrom(-1n, 2n ** 62n, -(2n ** 62n), 1_760_000_000_000_000n),
)
/** Offsets go up within a batch, with gaps where a topic was compacted, also behind the last record. */
const anyBatch = fc.record({
  gap: fc.nat(3),
  firstTime: anyTime,
  maxTime: anyTime,
  attributes: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    fc.constantFrom(isStampedByBroker, isControl),
  ),
  producerId: fc.constantFrom(-1n, 7n),
  leaderEpoch: fc.nat(9),
  codec: fc.constantFrom(...codecs),
  records: fc.array(
    fc.record({
      gap: fc.nat(2),
      timeDelta: anyTimeDelta,
      key: anyBytes,
      value: anyBytes,
      headers: fc.array(fc.tuple(anyBytes, anyBytes), { maxLength: 40, size: 'small' }),
    }),
    { maxLength: 20 },
  ),
  after: fc.nat(2),
})
export const anyBatches = fc.array(anyBatch, { maxLength: 5 }).map(drawn => {
  let offset = 2n ** 33n
  return drawn.map(({ gap, records, after, ...batch }): Batch => {
    const firstOffset = offset + BigInt(gap)
    let at = -1
    const written = records.map(({ gap, ...record }) => {
      at += 1 + gap
      return { ...record, offsetDelta: at }
    })
    const lastOffsetDelta = Math.max(at, 0) + after
    offset = firstOffset + BigInt(lastOffsetDelta) + 1n
    return { ...batch, firstOffset, lastOffsetDelta, written }
  })
})
