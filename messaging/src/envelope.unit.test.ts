import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventIdOf, type OutboxRow, toMessage, usableId } from './envelope.ts'
import { identify } from './handle-batch.ts'
import { toIncoming } from './kafkajs-message.ts'

const row: OutboxRow = {
  id: 1n,
  event_id: '0190a0a0-0000-7000-8000-000000000001',
  aggregate_type: 'parcel',
  aggregate_id: 'p-1',
  event_type: 'parcel.scanned',
  topic: 'scans',
  key: 'p-1',
  payload: '{"scan":1}',
  headers: '{"traceparent":"00-1-1-01","ce_id":"forged"}',
  created_at: '2026-11-21 10:52:39.12+00',
}

test('an outbox row becomes a CloudEvent in binary mode; its attributes win over headers of the same name', () => {
  expect(toMessage(row, '/scans')).toEqual({
    topic: 'scans',
    key: 'p-1',
    value: '{"scan":1}',
    headers: {
      traceparent: '00-1-1-01',
      ce_specversion: '1.0',
      ce_id: row.event_id,
      ce_type: 'parcel.scanned',
      ce_source: '/scans',
      ce_time: '2026-11-21T10:52:39.12+00:00',
      ce_subject: 'p-1',
      'content-type': 'application/json',
    },
  })
})

const received = (headers: Record<string, Buffer | string>, key: Buffer | null = null, timestamp = '0') =>
  toIncoming('t', 2, { key, value: null, headers, timestamp, offset: '9007199254740993', attributes: 0 })

test('a message is known by its event id, else by the id in its content, else by its place', () => {
  const content = { ok: true, payload: 1, id: 'order-7' } as const
  expect(identify(received({ ce_id: 'e' }), content)).toBe('e')
  expect(identify(received({ ce_id: '' }), content)).toBe('order-7')
  expect(identify(received({ ce_id: Buffer.from('a\0b') }), content)).toBe('a\ufffdb')
  expect(identify(received({}), { ok: true, payload: 1 })).toBe('t/2/9007199254740993')
  expect(identify(received({}), { ok: false, reason: 'no' })).toBe('t/2/9007199254740993')
})

test('any id that is used can be stored: 1 to 255 characters, well formed, no NUL', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), id => {
      const used = usableId(id)
      if (used === undefined) return id === '' || id.length > 255 || /\0/.test(id) || !id.isWellFormed()
      return used === id && Buffer.from(used).toString() === used && !used.includes('\0')
    }),
  )
})

test('any bytes in keys and headers come out as text that PostgreSQL can store and index', () => {
  const bytes = fc.uint8Array({ maxLength: 4_000 }).map(array => Buffer.from(array))
  const large = fc.integer({ min: 900, max: 100_000 }).map(length => Buffer.alloc(length, 'kä'))
  fc.assert(
    fc.property(fc.oneof(bytes, large), key => {
      const { key: text, headers } = received({ odd: key }, key)
      for (const part of [text!, headers.odd!]) {
        expect(part).not.toContain('\0')
        expect(part.isWellFormed()).toBe(true)
      }
      expect(Buffer.byteLength(text!)).toBeLessThanOrEqual(1_000)
    }),
  )
})

test('long keys stay apart by what follows their first part; others are kept as they are', () => {
  const [a, b] = ['a', 'b'].map(end => received({}, Buffer.from('x'.repeat(5_000) + end)).key)
  expect(a).not.toBe(b)
  expect(received({}, Buffer.from('x'.repeat(1_000))).key).toBe('x'.repeat(1_000))
  expect(received({}, null).key).toBe(null)
  expect(received({}, Buffer.alloc(0)).key).toBe('')
})

test('any timestamp becomes a time that can be stored', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }), stamp => {
      const { timestamp } = received({}, null, String(stamp))
      expect(timestamp.getTime()).toBeGreaterThanOrEqual(0)
      expect(timestamp.toISOString()).toMatch(/^\d{4}-/)
    }),
  )
  expect(received({}, null, '1700000000123').timestamp).toEqual(new Date(1_700_000_000_123))
})

test('a header that stands several times counts once, by its first', () => {
  const { headers } = toIncoming('t', 0, {
    key: null,
    value: null,
    headers: { a: ['1', '2'], b: undefined, c: [] },
    timestamp: '0',
    offset: '0',
    attributes: 0,
  })
  expect(headers).toEqual({ a: '1' })
  expect(eventIdOf(received({}))).toBe(undefined)
})
