import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { sql } from 'kysely'
import { startPrivatePostgres, testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type ConsumerSettings, startConsumer } from './consume.ts'
import {
  type ConsumerFixture,
  type Effects,
  openConsumerFixture,
  openEffects,
  range,
  type Scan,
} from './consumer-fixture.ts'
import type { ConsumerObserver } from './observer.ts'
import { openKafka } from './platformatic-transport.ts'
import type { Transport } from './transport.ts'

const soon = { timeout: 25_000, interval: 20 }
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const opened: (() => Promise<unknown>)[] = []
let scans: ConsumerFixture
let transport: Transport
let topic: string
beforeEach(async () => {
  scans = await openConsumerFixture()
  transport = openKafka({ brokers: testBrokers(), clientId: 'consume-test', log: silent })
  topic = uniqueName('scanned')
  await transport.ensureTopics([{ topic, partitions: 6, replication: 1, minInsyncReplicas: 1 }])
})
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
  await transport.close()
  await scans.close()
})

const publish = (numbers: number[]) =>
  transport.publish(
    numbers.map(scan => ({
      topic,
      key: `k${scan % 10}`,
      value: JSON.stringify({ scan }),
      headers: { ce_id: `scan-${scan}` },
    })),
  )
function start(on: Effects, more: Partial<ConsumerSettings<unknown, Scan>> = {}) {
  const definition = { ...on.definition, name: topic, topics: [topic] }
  const consumer = startConsumer({ ...on.settings, definition, transport, ...more })
  opened.push(() => consumer.stop())
  return consumer
}
async function expectOnceInOrder(on: Effects, all: number[]) {
  await vi.waitFor(async () => expect(await on.count('effects')).toBeGreaterThanOrEqual(all.length), soon)
  for (const key of range(0, 10)) {
    expect(await on.effects(`k${key}`)).toEqual(all.filter(scan => scan % 10 === key))
  }
}

test('everything published twice, consumed by two that come and go: each has one effect, in order per key', async () => {
  const first = start(scans, { batchSizeMax: 40 })
  const publishing = (async () => {
    for (const from of range(0, 20)) {
      await publish(range(from * 50, from * 50 + 50))
      await publish(range(from * 50, from * 50 + 50))
    }
  })()
  await vi.waitFor(async () => expect(await scans.count('effects')).toBeGreaterThan(0), soon)
  start(scans, { batchSizeMax: 40 })
  await publishing
  await first.stop()
  expect(first.isRunning()).toBe(false)
  await expectOnceInOrder(scans, range(0, 1_000))
  expect(await scans.count('inbox')).toBe(1_000)
})

test('an observer sees each batch and what became of it, and holds up nothing when it throws', async () => {
  const outcomes: unknown[] = []
  const observer: ConsumerObserver = {
    onBatch(messages) {
      for (const message of messages) message.headers.traceparent = 'of the observer'
      return outcome => {
        outcomes.push(outcome)
        throw new Error('the observer is broken')
      }
    },
  }
  const seen: unknown[] = []
  scans.hooks.before = async (_, messages) => {
    seen.push(...messages.map(({ source }) => source.headers.traceparent))
  }
  await publish([1, 2, 2])
  start(scans, { observer })
  const add = (total: Record<string, number>, [name, count]: [string, number]) => ({
    ...total,
    [name]: (total[name] ?? 0) + count,
  })
  await vi.waitFor(
    () =>
      expect(outcomes.flatMap(one => Object.entries(one as object)).reduce(add, {})).toEqual({
        handled: 2,
        // More where Kafka moved the partitions in between and delivered again.
        duplicates: expect.toSatisfy((count: number) => count >= 1),
        parked: 0,
        waiting: 0,
      }),
    soon,
  )
  expect(seen).toEqual(['of the observer', 'of the observer'])
})

test('PostgreSQL stopped and started in mid-stream: nothing is skipped, parked or doubled', async () => {
  const postgres = await startPrivatePostgres()
  opened.push(() => postgres.remove())
  const on = await openEffects({ ...postgres.address, owner: postgres.address })
  opened.push(() => on.pool.end())
  for (const file of ['0001-outbox', '0002-inbox']) {
    await on.query(await readFile(new URL(`../migrations/${file}.sql`, import.meta.url), 'utf8'))
  }
  let stopNow: (() => void) | undefined
  const handled = new Promise<void>(resolve => {
    stopNow = resolve
  })
  on.hooks.after = async (_, messages) => {
    if (messages.some(({ payload }) => payload.scan > 200)) stopNow?.()
  }
  await publish(range(0, 400))
  start(on, { batchSizeMax: 20 })
  await handled
  await postgres.kill()
  await publish(range(400, 600))
  await vi.waitFor(
    () => expect(on.lines.some(({ message }) => message.startsWith('cannot handle messages now'))).toBe(true),
    soon,
  )
  await postgres.start()
  await expectOnceInOrder(on, range(0, 600))
  expect(await on.letters()).toEqual([])
}, 60_000)

test('stops quickly while the database is away, and goes on from there', async () => {
  await publish(range(0, 10))
  scans.hooks.after = async () => {
    throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
  }
  const consumer = start(scans, { infrastructureRetry: { firstMs: 60_000, maxMs: 60_000 } })
  await vi.waitFor(() => expect(scans.lines.some(({ level }) => level === 'warn')).toBe(true), soon)
  const startedAt = performance.now()
  await consumer.stop()
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  expect(await scans.count('inbox')).toBe(0)
  delete scans.hooks.after
  start(scans)
  await expectOnceInOrder(scans, range(0, 10))
})

test('waits for a broker and a topic that are not there yet, and stops while it waits', async () => {
  const nowhere = openKafka({ brokers: ['127.0.0.1:1'], clientId: 'consume-test', log: silent })
  opened.push(() => nowhere.close())
  const consumer = start(scans, { transport: nowhere })
  expect(consumer.isRunning()).toBe(false)
  const startedAt = performance.now()
  await consumer.stop()
  expect(performance.now() - startedAt).toBeLessThan(1_000)

  const later = uniqueName('later')
  const waiting = startConsumer({
    ...scans.settings,
    transport,
    definition: { ...scans.definition, name: later, topics: [later] },
    subscribeRetry: { firstMs: 10, maxMs: 100 },
  })
  opened.push(() => waiting.stop())
  await vi.waitFor(
    () => expect(scans.lines.some(({ message }) => message.includes('cannot consume yet'))).toBe(true),
    soon,
  )
  await transport.ensureTopics([{ topic: later, partitions: 1, replication: 1, minInsyncReplicas: 1 }])
  await transport.publish([{ topic: later, key: 'a', value: '{"scan": 1}', headers: {} }])
  await vi.waitFor(async () => expect(await scans.effects()).toEqual([1]), soon)
})

test('of two topics one is deleted and made again: the other goes on, each message of both has one effect, in order', async () => {
  const goes = uniqueName('scanned')
  const make = () =>
    transport.ensureTopics([{ topic: goes, partitions: 6, replication: 1, minInsyncReplicas: 1 }])
  // Without an id, so that each is known by its place: those of the topic that is made again are in places that are known.
  const publishThere = (numbers: number[]) =>
    transport.publish(
      numbers.map(scan => ({
        topic: goes,
        key: `k${scan % 10}`,
        value: JSON.stringify({ scan }),
        headers: {},
      })),
    )
  await make()
  const definition = { ...scans.definition, name: topic, topics: [goes, topic] }
  const lines: string[] = []
  const log = { ...silent, warn: (_: object, message: string) => void lines.push(message) }
  const own = openKafka({ brokers: testBrokers(), clientId: 'consume-test', log })
  opened.push(() => own.close())
  start(scans, { definition, transport: own })
  await publishThere(range(0, 30))
  await expectOnceInOrder(scans, range(0, 30))
  await publish(range(100, 130))
  await expectOnceInOrder(scans, [...range(0, 30), ...range(100, 130)])
  const admin = new Admin({ clientId: 'consume-test', bootstrapBrokers: testBrokers() })
  opened.push(() => admin.close())
  await admin.deleteTopics({ topics: [goes] })
  for (const from of range(0, 15)) {
    await publish([200 + from])
    await vi.waitFor(async () => expect(await scans.effects()).toContain(200 + from), { timeout: 8_000 })
    await sleep(800)
  }
  expect(lines).toEqual([expect.stringContaining('not in Kafka')])
  await make()
  const again = openKafka({ brokers: testBrokers(), clientId: 'consume-test', log: silent })
  opened.push(() => again.close())
  await vi.waitFor(() => publishThere(range(300, 330)), soon)
  const all = [...range(0, 30), ...range(100, 130), ...range(200, 215), ...range(300, 330)]
  await expectOnceInOrder(scans, all)
  // Those that are new stand in the places of the first 30.
  expect(await scans.count('inbox')).toBe(all.length - 30)
  expect(await scans.letters()).toEqual([])
}, 90_000)

test('finishes by itself a release that a crash cut short', async () => {
  await sql`insert into blocked_keys values (${topic}, ${topic}, 'k1')`.execute(scans.db)
  await sql`insert into dead_letters (consumer, event_id, topic, "partition", "offset", key, value, headers, published_at, state)
    values (${topic}, 'scan-1', ${topic}, 0, 0, 'k1', '{"scan": 1}', '{}', now(), 'waiting')`.execute(
    scans.db,
  )
  await publish([11])
  start(scans, { releaseIntervalMs: 50 })
  await vi.waitFor(async () => expect(await scans.effects('k1')).toEqual([1, 11]), soon)
  await vi.waitFor(async () => expect(await scans.blockedKeys()).toEqual([]), soon)
})

test.each([0, -1, 1.5, Number.NaN, 10_001])('a batchSizeMax of %s is refused', batchSizeMax => {
  expect(() => startConsumer({ ...scans.settings, transport, batchSizeMax })).toThrow(RangeError)
})
