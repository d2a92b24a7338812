import { type Consumer, ResponseError } from '@platformatic/kafka'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Membership } from './platformatic-membership.ts'
import { encode, some } from './record-batch-fixture.ts'

const topicId = '01981f6c-7a4e-7c3e-9d52-1f6b7c3a9e10'

/** The client of a broker that answers a request to fetch, given as its bytes, after 5 ms. */
function consumerOf(topic: () => object, answer: (payload: Buffer) => unknown, listOffsets?: unknown) {
  const send = (
    _key: number,
    _version: number,
    payloadOf: () => { buffer: Buffer },
    ...[, , , done]: [unknown, unknown, unknown, (error: Error | null, answer?: unknown) => void]
  ) => {
    try {
      setTimeout(done, 5, null, answer(payloadOf().buffer))
    } catch (error) {
      setTimeout(done, 5, error as Error)
    }
  }
  return {
    metadata: async () => ({ topics: new Map([['t', topic()]]), brokers: new Map([[1, {}]]) }),
    topics: { current: ['t'] },
    listOffsets,
    connections: { get: async () => ({ send }) },
  } as unknown as Consumer
}

/** Instead of a broker, since none hands out what it knows to be damaged: the log of each partition, as it is stored. */
function brokerOf(logs: Buffer[]) {
  const partitions = logs.map(() => ({ leader: 1 }))
  const asked: number[] = []
  const answer = (payload: Buffer) => {
    const count = payload[25]! - 1
    const places = Array.from({ length: count }, (_, index) => payload.subarray(26 + index * 51))
    asked.push(places.length)
    return places.flatMap(place => {
      const partition = place.readInt32BE(17)
      const records = place.readBigInt64BE(25) === some.firstOffset ? logs[partition]! : Buffer.alloc(0)
      return [{ topicId, partition, records, aborted: [], divergedAt: undefined }].filter(
        () => records.length > 0,
      )
    })
  }
  return { consumer: consumerOf(() => ({ id: topicId, partitions }), answer), asked }
}

test('what a fetch brought has left for the database before the next is asked for', async () => {
  const { consumer, asked } = brokerOf([encode(some)])
  const askedAtStatement = Promise.withResolvers<number>()
  const membership = new Membership({
    consumer,
    places: [{ topic: 't', partition: 0, next: 100n, handled: 100n }],
    batchSizeMax: 10,
    // As a handler's first statement, which is written once a connection was found and in a tick of its own.
    onBatch: async () => {
      for (let step = 0; step < 30; step++) await null
      process.nextTick(() => askedAtStatement.resolve(asked.length))
    },
    onHandled: () => undefined,
    log: pino({ level: 'silent' }),
  })
  expect(await askedAtStatement.promise).toBe(1)
  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(1))
  await membership.end()
})

test('that nothing can be fetched is told after a while, with the reason', async () => {
  const { consumer } = brokerOf([encode(some)])
  consumer.metadata = (async () => {
    throw new Error('Unknown topic t2.')
  }) as never
  const told: { level: number; err?: { message: string } }[] = []
  const log = pino({ level: 'info' }, { write: line => void told.push(JSON.parse(line)) })
  const membership = new Membership({
    consumer,
    places: [{ topic: 't', partition: 0, next: 100n, handled: 100n }],
    batchSizeMax: 10,
    onBatch: async () => undefined,
    onHandled: () => undefined,
    log,
  })
  onTestFinished(() => membership.end())
  await vi.waitFor(() => expect(told.length).toBe(1), 10_000)
  expect(told[0]).toMatchObject({ level: 40, err: { message: 'Unknown topic t2.' } })
})

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

/** One partition that has three messages from an offset on, and whose broker tells that it has no other offset. */
function logOf(firstOffset: bigint) {
  const log = { firstOffset, topicId, divergedAt: undefined as bigint | undefined }
  const answer = (payload: Buffer) => {
    const next = payload.readBigInt64BE(26 + 25)
    const epoch = payload.readInt32BE(26 + 33)
    const records = next === log.firstOffset ? encode({ ...some, firstOffset: next }) : Buffer.alloc(0)
    const divergedAt = epoch === -1 ? undefined : log.divergedAt
    const isOutside = next < log.firstOffset || next > log.firstOffset + 3n
    if (isOutside && divergedAt === undefined)
      throw new ResponseError(1, 13, { '/responses/0/partitions/0': [1, null] }, [])
    return [{ topicId: log.topicId, partition: 0, records, aborted: [], divergedAt }].filter(
      () => records.length > 0 || divergedAt !== undefined,
    )
  }
  const listOffsets = async ({ timestamp }: { timestamp: bigint }) =>
    new Map([['t', [log.firstOffset + (timestamp === -1n ? 3n : 0n)]]])
  const consumer = consumerOf(() => ({ id: log.topicId, partitions: [{ leader: 1 }] }), answer, listOffsets)
  return { log, consumer }
}

/** A member whose first call ends when the test says, and whose later ones fail; and what it reports as handled. */
function memberOf(consumer: Consumer) {
  const calls: bigint[] = []
  const handled: bigint[] = []
  const first = Promise.withResolvers<void>()
  const told: Record<string, unknown>[] = []
  const membership = new Membership({
    consumer,
    places: [{ topic: 't', partition: 0, next: 100n, handled: 100n }],
    batchSizeMax: 10,
    onBatch([message]) {
      return calls.push(message!.offset) === 1
        ? first.promise
        : Promise.reject(new Error('the database is down'))
    },
    onHandled: place => void handled.push(place.handled),
    log: pino({ level: 'warn' }, { write: line => void told.push(JSON.parse(line)) }),
  })
  onTestFinished(() => membership.end())
  return { calls, handled, endFirst: first.resolve, told }
}

test('a topic that is made again while a call is in hand is read from its beginning, and nothing counts as handled', async () => {
  const { log, consumer } = logOf(100n)
  const { calls, handled, endFirst, told } = memberOf(consumer)
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  log.topicId = '01981f6c-7a4e-7c3e-9d52-1f6b7c3a9e11'
  log.firstOffset = 0n
  await vi.waitFor(() => expect(told).toMatchObject([{ level: 40, partition: 0, from: '100', to: '0' }]))
  endFirst()
  await vi.waitFor(() => expect(calls.slice(0, 2)).toEqual([100n, 0n]))
  expect(new Set(handled)).toEqual(new Set([0n]))
})

test('where brokers lost the end of a log, what they have there now is read', async () => {
  const { log, consumer } = logOf(100n)
  const { calls, handled, endFirst, told } = memberOf(consumer)
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  endFirst()
  await vi.waitFor(() => expect(handled).toEqual([103n]))
  // Since then, others were written there.
  log.divergedAt = 101n
  log.firstOffset = 101n
  await vi.waitFor(() => expect(told[0]).toMatchObject({ level: 40, from: '103', to: '101' }))
  await vi.waitFor(() => expect(calls.slice(0, 2)).toEqual([100n, 101n]))
  expect(new Set(handled)).toEqual(new Set([103n, 101n]))
})

test('a log that ends before what is in hand is read again, and nothing of it counts as handled', async () => {
  const { log, consumer } = logOf(100n)
  const { calls, handled, endFirst, told } = memberOf(consumer)
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  log.firstOffset = 0n
  await vi.waitFor(() => expect(told[0]).toMatchObject({ level: 40, from: '100', to: '0' }))
  endFirst()
  await vi.waitFor(() => expect(calls.slice(0, 2)).toEqual([100n, 0n]))
  expect(handled).toEqual([])
})

test('what expired before it was handled is told, with what to do', async () => {
  const { log, consumer } = logOf(100n)
  const { calls, endFirst, told } = memberOf(consumer)
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  // What was written before it is gone, and the broker does not take the place.
  log.firstOffset = 500n
  await vi.waitFor(() => expect(told[0]).toMatchObject({ level: 50, from: '100', to: '500' }))
  endFirst()
  expect(told[0]!.msg).toMatch(/expired before they were handled: publish them again/)
})
