import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeRecordBatches } from './decode-record-batch.ts'
import {
  type Batch,
  codecs,
  decode,
  encode,
  expected,
  place,
  recordOf,
  signed,
  some,
  varint,
} from './record-batch-fixture.ts'

describe('a batch that is not what its producer sent is told', () => {
  const where = /offset 100 of partition 3 of t.*replica/

  test.each(codecs)('wherever a byte of what the checksum covers is another: %s', codec => {
    const batch = encode({ ...some, codec })
    for (let at = 16; at < batch.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        batch[at]! ^= flip
        expect(() => decode(batch, 100n)).toThrow(where)
        batch[at]! ^= flip
      }
    }
    expect(decode(batch, 100n).messages).toHaveLength(3)
  })

  test('saying what is wrong', () => {
    const broken = (change: (batch: Buffer) => void, of: Partial<Batch> = {}) => {
      const batch = encode({ ...some, ...of })
      change(batch)
      return () => decode(batch, 100n)
    }
    expect(broken(batch => batch.writeInt8(1, 16))).toThrow(/version 1/)
    expect(broken(batch => batch.writeUInt32BE(1, 17))).toThrow(/checksum \d+, and 1 /)
    expect(broken(batch => batch.writeInt32BE(48, 8))).toThrow(/60 bytes/)
    expect(broken(batch => batch.writeInt32BE(-12, 8))).toThrow(/0 bytes/)
    expect(broken(batch => batch.writeInt32BE(-(2 ** 31), 8))).toThrow(/bytes/)
    const resigned = (change: (batch: Buffer) => void) =>
      broken(batch => {
        change(batch)
        signed(batch)
      })
    expect(resigned(batch => batch.writeInt16BE(5, 21))).toThrow(/codec 5/)
    expect(resigned(batch => batch.writeInt16BE(1, 21))).toThrow(where)
    expect(resigned(batch => batch.writeInt32BE(2, 57))).toThrow(/more in it/)
    expect(resigned(batch => batch.writeInt32BE(4, 57))).toThrow(/ends within a record/)
    expect(resigned(batch => batch.writeInt32BE(2 ** 31 - 1, 57))).toThrow(/ends within a record/)
  })

  test.each([
    ['its checksum', (batch: Buffer) => batch.writeUInt32BE(1, 17)],
    ['its last record', (batch: Buffer) => signed(batch.fill(0x7f, batch.length - 4))],
  ])('and what stands before it is read, where %s is not right', (_, change) => {
    const second = encode({ ...some, firstOffset: 103n })
    change(second)
    const { damage, ...read } = decodeRecordBatches(place(100n), Buffer.concat([encode(some), second]))
    expect(read).toEqual(expected([some], 100n))
    expect(damage?.message).toMatch(/offset 103 /)
  })

  test('or its records are not what they say: it ends, and reads nothing outside', () => {
    const head = encode(some).subarray(0, 61)
    const written = Buffer.concat(some.written.map(recordOf))
    const beside = encode({ ...some, firstOffset: 103n })
    const change = fc.array(fc.tuple(fc.nat(written.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(change, fc.nat(written.length), (changes, cut) => {
        const records = Buffer.from(written.subarray(0, written.length - (cut % 8)))
        for (const [at, byte] of changes) if (at < records.length) records[at] = byte
        const batch = Buffer.concat([head, records])
        batch.writeInt32BE(batch.length - 12, 8)
        signed(batch)
        const outcome = (after: Buffer) => {
          try {
            return decode(Buffer.concat([batch, after]), 100n).messages.filter(({ offset }) => offset < 103n)
          } catch (error) {
            return (error as Error).message
          }
        }
        const alone = outcome(Buffer.alloc(0))
        if (typeof alone === 'string') expect(alone).toMatch(where)
        expect(outcome(beside)).toEqual(alone)
      }),
      { numRuns: 3_000 },
    )
  })

  test.each([
    ['a record that is longer than what is left', /points outside/, [...varint(100n), 0, 0, 0, 1, 1, 0]],
    ['a record of less than nothing', /ends within/, [...varint(-1n), 0, 0, 0, 1, 1, 0]],
    ['a record of nothing', /ends within/, [0]],
    [
      'a value that goes on behind its record',
      /points outside/,
      [...varint(6n), 0, 0, 0, 1, ...varint(3n), 0, 0, 0],
    ],
    [
      'a length without end',
      /more than 32 bits/,
      [...varint(9n), 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ],
    ['a time without end', /more than 64 bits/, [...varint(14n), 0, ...Array<number>(11).fill(0xff), 1, 0]],
    ['more headers than bytes', /ends within/, [...varint(10n), 0, 0, 0, 1, 1, ...varint(2n ** 31n - 1n)]],
    ['something behind its headers', /before or after its end/, [...varint(8n), 0, 0, 0, 1, 1, 0, 0, 0]],
  ])('such as %s', (_, what, bytes) => {
    const head = encode({ ...some, written: some.written.slice(0, 1) }).subarray(0, 61)
    const batch = Buffer.concat([head, Buffer.from(bytes)])
    batch.writeInt32BE(batch.length - 12, 8)
    const read = () => decode(Buffer.concat([signed(batch), encode(some)]), 100n)
    expect(read).toThrow(where)
    expect(read).toThrow(what)
  })
})
