import type { Consumer } from '@platformatic/kafka'
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { Membership } from './platformatic-membership.ts'
import { encode, some } from './record-batch-fixture.ts'

const topicId = '01981f6c-7a4e-7c3e-9d52-1f6b7c3a9e10'

/** Instead of a broker, since none hands out what it knows to be damaged: the log of each partition, as it is stored. */
function brokerOf(logs: Buffer[]) {
  const partitions = logs.map(() => ({ leader: 1 }))
  const cluster = {
    topics: new Map([['t', { id: topicId, partitions }]]),
    brokers: new Map([[1, {}]]),
  }
  const asked: number[] = []
  const answer = (payload: Buffer) => {
    const count = payload[25]! - 1
    const places = Array.from({ length: count }, (_, index) => payload.subarray(26 + index * 51))
    asked.push(places.length)
    return places.flatMap(place => {
      const partition = place.readInt32BE(17)
      const records = place.readBigInt64BE(25) === some.firstOffset ? logs[partition]! : Buffer.alloc(0)
      return [{ topicId, partition, records, aborted: [] }].filter(() => records.length > 0)
    })
  }
  const send = (
    _key: number,
    _version: number,
    payloadOf: () => { buffer: Buffer },
    ...[, , , done]: [unknown, unknown, unknown, (error: null, answer: unknown) => void]
  ) => void setTimeout(() => done(null, answer(payloadOf().buffer)), 5)
  const consumer = {
    metadata: async () => cluster,
    topics: { current: ['t'] },
    connections: { get: async () => ({ send }) },
  } as unknown as Consumer
  return { consumer, asked }
}

test('a damaged partition is told, with what to do, and holds up no other; once it is mended it goes on', async () => {
  const damaged = encode(some)
  damaged[70]! ^= 1
  const logs = [encode(some), damaged, encode(some)]
  const { consumer, asked } = brokerOf(logs)
  const told: { level: number; err?: { type: string; message: string } }[] = []
  const log = pino({ level: 'info' }, { write: line => void told.push(JSON.parse(line)) })
  const handled: number[] = []
  const membership = new Membership({
    consumer,
    places: [0, 1, 2].map(partition => ({ topic: 't', partition, next: 100n, handled: 100n })),
    batchSizeMax: 10,
    from: 'earliest',
    onBatch: async messages => void handled.push(...messages.map(({ partition }) => partition)),
    onHandled: () => undefined,
    log,
  })
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(1))
  expect(handled.toSorted()).toEqual([0, 0, 0, 2, 2, 2])
  expect(told[0]).toMatchObject({ level: 50, err: { type: 'DamagedBatchError' } })
  expect(told[0]!.err!.message).toMatch(/offset 100 of partition 1 of t.*replica/)
  // Fetched again after a pause, and not as fast as it can.
  expect(asked.length).toBeLessThan(told.length + 3)
  logs[1] = encode(some)
  await vi.waitFor(() => expect(handled.toSorted()).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]), 5_000)
  await membership.end()
})
