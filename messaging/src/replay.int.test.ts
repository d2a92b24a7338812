import { afterEach, beforeEach, expect, test } from 'vitest'
import { listActs } from './operator-acts.ts'
import { openRelayFixture } from './relay-fixture.ts'
import { NothingPublishedError, planReplay, ReplayCutShortError, type ReplayRange, replay } from './replay.ts'

type Fixture = Awaited<ReturnType<typeof openRelayFixture>>
let outbox: Fixture
beforeEach(async () => {
  outbox = await openRelayFixture()
})
afterEach(() => outbox.close())

const by = { who: 'ana', why: 'the warehouse lost its disk' }
const settings = (more: object = {}) => ({
  db: outbox.db,
  transport: outbox.transport,
  source: '/relay-test',
  ...more,
})

/** Publishes what is in the outbox and stores the cursor. */
async function publishAll(): Promise<void> {
  const relay = outbox.openRelay()
  while ((await relay.relayOnce()).kind === 'published');
  await relay.release()
}

async function planAndReplay(range: ReplayRange, more: object = {}): Promise<number> {
  return replay(settings(more), range, await planReplay(outbox.db, range), by)
}

test('sends the very same messages again, in the same order', async () => {
  await outbox.append('a', 1, 2)
  await outbox.append('b', 3)
  await outbox.append('a', 4)
  await publishAll()
  const first = [...outbox.published]
  expect(await planAndReplay({}, { batchSize: 3 })).toBe(4)
  expect(outbox.published.slice(4)).toEqual(first)
})

test('the plan tells what would be sent, and sends nothing', async () => {
  await outbox.append('a', 1, 2)
  await outbox.append('b', 3)
  await publishAll()
  const sent = outbox.published.length
  const plan = await planReplay(outbox.db, {})
  expect(plan).toMatchObject({
    events: 3,
    keys: 2,
    someKeys: ['a', 'b'],
    topics: [outbox.topic],
    unpublished: 0,
    first: { id: 1n },
    last: { id: 3n },
  })
  expect(outbox.published).toHaveLength(sent)
  expect(await listActs(outbox.db)).toEqual([])
})

test('chooses by ids, key, topic and time of appending, both ends included, and by all of them together', async () => {
  await outbox.append('a', 1, 2)
  await outbox.append('b', 3)
  await outbox.append('a', 4)
  await publishAll()
  const at = async (id: bigint) => (await planReplay(outbox.db, { fromId: id, toId: id })).first!.at
  // PostgreSQL knows microseconds, and a Date does not.
  const [second, third] = [await at(2n), new Date((await at(3n)).getTime() + 1)]
  const long = { ago: new Date('2020-01-01'), hence: new Date('2200-01-01') }
  const cases: [ReplayRange, number[]][] = [
    [{ fromId: 2n }, [2, 3, 4]],
    [{ toId: 2n }, [1, 2]],
    [{ fromId: 3n, toId: 3n }, [3]],
    [{ key: 'a' }, [1, 2, 4]],
    [{ key: 'a', fromId: 2n }, [2, 4]],
    [{ topic: outbox.topic }, [1, 2, 3, 4]],
    [{ topic: 'elsewhere' }, []],
    [{ until: long.ago }, []],
    [{ since: long.hence }, []],
    [{ since: long.ago, until: long.hence }, [1, 2, 3, 4]],
    [{ since: second, until: third, fromId: 2n, toId: 3n }, [2, 3]],
  ]
  for (const [range, scans] of cases) {
    outbox.published.length = 0
    expect(await planAndReplay(range), JSON.stringify(scans)).toBe(scans.length)
    expect(outbox.scans()).toEqual(scans)
  }
})

test('to a side topic, everything but the topic is the same', async () => {
  await outbox.append('a', 1)
  await publishAll()
  const [original] = outbox.published
  const side = `${outbox.topic}-side`
  await outbox.kafka.ensureTopics([{ topic: side, partitions: 1, replication: 1, minInsyncReplicas: 1 }])
  expect(await planAndReplay({}, { toTopic: side })).toBe(1)
  expect(outbox.published[1]).toEqual({ ...original, topic: side })
})

test('leaves out what the relay has not published, so that it cannot overtake an earlier event of its key', async () => {
  await expect(planReplay(outbox.db, {})).rejects.toThrow(NothingPublishedError)
  await outbox.append('a', 1)
  await publishAll()
  await outbox.append('a', 2)
  expect(await planReplay(outbox.db, {})).toMatchObject({ events: 1, unpublished: 1 })
  expect(await planAndReplay({})).toBe(1)
  expect(outbox.scans()).toEqual([1, 1])
  // Nor what is committed between plan and replay.
  const plan = await planReplay(outbox.db, {})
  await publishAll()
  expect(await replay(settings(), {}, plan, by)).toBe(1)
  expect(outbox.scans()).toEqual([1, 1, 2, 1])
})

test('is in the record of acts with its range, at its beginning and its end', async () => {
  await outbox.append('a', 1, 2)
  await publishAll()
  await planAndReplay({ fromId: 2n, key: 'a' })
  expect(await listActs(outbox.db)).toMatchObject([
    {
      ...by,
      act: 'replay',
      outcome: 'done',
      detail: { fromId: '2', key: 'a', to: null, planned: 1, sent: 1 },
    },
    { ...by, act: 'replay', outcome: 'begun', deadLetterId: null },
  ])
})

test('that is cut short tells how far it came, and goes on from there', async () => {
  await outbox.append('a', 1, 2, 3, 4)
  await publishAll()
  outbox.published.length = 0
  let batches = 0
  const transport = {
    async publish(messages: Parameters<typeof outbox.transport.publish>[0]) {
      if (++batches === 2) throw new Error('no broker answers')
      await outbox.transport.publish(messages)
    },
  }
  const cut = planAndReplay({}, { transport, batchSize: 2 })
  await expect(cut).rejects.toThrow(ReplayCutShortError)
  const { sent, lastId } = (await cut.catch(error => error)) as ReplayCutShortError
  expect([sent, lastId]).toEqual([2, 2n])
  expect((await listActs(outbox.db))[0]).toMatchObject({
    outcome: 'failed',
    detail: { sent: 2, last_id: '2' },
  })
  await planAndReplay({ fromId: lastId! + 1n })
  expect(outbox.scans()).toEqual([1, 2, 3, 4])
})
