import { globSync, readFileSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { startPrivateKafka, testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { expect, test, vi } from 'vitest'
import { range } from './consumer-fixture.ts'
import { openKafka } from './platformatic-transport.ts'
import {
  consume,
  expectOrdered,
  followed,
  groupOf,
  newTopic,
  open,
  opened,
  publish,
  soon,
  sorted,
} from './transport-suite/fixture.ts'

const module = new URL('./platformatic-transport.ts', import.meta.url)
const subject = { open: openKafka, module, exportName: 'openKafka' }

function openAdmin() {
  const admin = new Admin({ clientId: uniqueName('admin'), bootstrapBrokers: testBrokers() })
  opened.push(() => admin.close())
  return admin
}

const settingsOf = (topic: string, partitions = 1) => [
  { topic, partitions, replication: 1, minInsyncReplicas: 1 },
]

test('a topic that is deleted and made again is read from its beginning, also where it has as many messages at once', async () => {
  const { transport } = open(subject)
  const topic = await newTopic(transport, 1)
  await publish(transport, topic, range(0, 10))
  const { scans } = await consume(transport, topic)
  const values = await followed(transport, topic)
  await vi.waitFor(() => expect(scans()).toHaveLength(10), soon)
  await openAdmin().deleteTopics({ topics: [topic] })
  // By then those who read it wait some seconds between their attempts.
  await sleep(4_000)
  const publisher = open(subject).transport
  await publisher.ensureTopics(settingsOf(topic))
  await publish(publisher, topic, range(100, 130))
  for (const read of [scans, () => values]) {
    await vi.waitFor(() => expect(read()).toContain(129), soon)
    expect(read().filter(scan => scan >= 100)).toEqual(range(100, 130))
  }
}, 60_000)

test('a topic that is deleted holds up no other that its consumer reads, and is told; made again, it is read from its beginning', async () => {
  const { transport, lines } = open(subject)
  // In this order of names the client takes the one for the other.
  const [goes, stays] = [await newTopic(transport, 2), await newTopic(transport, 2)].toSorted() as [
    string,
    string,
  ]
  const topics = [goes, stays]
  const publisher = open(subject).transport
  await publish(publisher, goes, range(0, 10))
  const first = await consume(transport, stays, { topics })
  await vi.waitFor(() => expect(first.scans()).toHaveLength(10), soon)
  const admin = openAdmin()
  await admin.deleteTopics({ topics: [goes] })
  const told = (of: typeof lines) =>
    of.filter(
      ({ message, details }) => (details as { topic?: string }).topic === goes && !message.includes('log of'),
    )
  const isMissing = { level: 'warn', message: expect.stringContaining('not in Kafka') }
  // Longer than they take to look again; from the middle on with one that begins, and who reads it alone.
  const joining = open(subject)
  const later = { subscriber: undefined as unknown, scans: () => [] as number[] }
  for (const scan of range(100, 124)) {
    await publish(publisher, stays, [scan])
    const all = () => [...first.scans(), ...later.scans()]
    await vi.waitFor(() => expect(all()).toContain(scan), { timeout: 8_000, interval: 20 })
    if (scan === 112) Object.assign(later, await consume(joining.transport, stays, { topics }))
    await sleep(500)
  }
  await expect(transport.lag(groupOf(stays), topics)).rejects.toThrow(`Unknown topic ${goes}`)
  for (const of of [lines, joining.lines]) expect(told(of)).toMatchObject([isMissing])
  expect(first.subscriber.isRunning()).toBe(true)

  await publisher.ensureTopics(settingsOf(goes, 2))
  await publish(open(subject).transport, goes, range(200, 230))
  const all = () => [...first.scans(), ...later.scans()].filter(scan => scan >= 200)
  await vi.waitFor(() => expect(sorted([...new Set(all())])).toEqual(range(200, 230)), soon)
  expectOrdered(all(), range(200, 230))
  const isThere = { level: 'info', message: expect.stringContaining('in Kafka again') }
  await vi.waitFor(() => {
    for (const of of [lines, joining.lines]) expect(told(of)).toMatchObject([isMissing, isThere])
  }, soon)
  await vi.waitFor(async () => expect(await transport.lag(groupOf(stays), topics)).toBe(0), soon)
}, 120_000)

test('what could not be committed to a topic is not committed to one that is made again by its name', async () => {
  const { transport } = open(subject)
  const topic = await newTopic(transport, 1)
  await publish(transport, topic, range(0, 10))
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
  const handle = vi.fn(() => mayEnd)
  await consume(transport, topic, { handle })
  await vi.waitFor(() => expect(handle).toHaveBeenCalled(), soon)
  const admin = openAdmin()
  await admin.deleteTopics({ topics: [topic] })
  await sleep(2_000)
  end()
  await sleep(1_000)
  await open(subject).transport.ensureTopics(settingsOf(topic))
  const committed = new Set<bigint>()
  for (const endsAt = performance.now() + 3_000; performance.now() < endsAt; await sleep(20)) {
    const [group] = await admin.listConsumerGroupOffsets({ groups: [groupOf(topic)] })
    for (const { partitions } of group!.topics)
      for (const { committedOffset } of partitions) committed.add(committedOffset)
  }
  expect([...committed].filter(offset => offset > 0n)).toEqual([])
}, 60_000)

test.each([
  ['the only topic', 0],
  ['one of two topics', 1],
])(
  '… nor is what was in hand when %s was deleted, and ended after it was made again',
  async (_, others) => {
    const { transport } = open(subject)
    const goes = await newTopic(transport, 1)
    const stay = await Promise.all(range(0, others).map(() => newTopic(transport, 1)))
    await publish(transport, goes, range(0, 10))
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
    const handle = vi.fn(() => mayEnd)
    const { scans } = await consume(transport, goes, { topics: [...stay, goes], handle })
    await vi.waitFor(() => expect(handle).toHaveBeenCalled(), soon)
    const admin = openAdmin()
    await admin.deleteTopics({ topics: [goes] })
    await sleep(2_000)
    const publisher = open(subject).transport
    await publisher.ensureTopics(settingsOf(goes))
    await publish(publisher, goes, range(100, 130))
    end()
    const committed = new Set<bigint>()
    while (!scans().includes(129)) {
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupOf(goes)] })
      for (const { name, partitions } of group!.topics)
        if (name === goes) for (const { committedOffset } of partitions) committed.add(committedOffset)
      await sleep(20)
    }
    expect([...committed]).not.toContain(10n)
  },
  60_000,
)

test('partitions that are added are read too', async () => {
  const { transport } = open(subject)
  const topic = await newTopic(transport, 2)
  const { scans } = await consume(transport, topic)
  const values = await followed(transport, topic)
  await publish(transport, topic, range(0, 40))
  await vi.waitFor(() => expect(scans()).toHaveLength(40), soon)
  const assignments = range(0, 4).map(() => ({ brokerIds: [1] }))
  await openAdmin().createPartitions({ topics: [{ name: topic, count: 6, assignments }] })
  await sleep(500)
  await publish(open(subject).transport, topic, range(40, 80))
  for (const read of [scans, () => values])
    await vi.waitFor(() => expect(sorted([...new Set(read())])).toEqual(range(0, 80)), soon)
}, 60_000)

test('a broker that lost the end of its log: what is published there since comes', async () => {
  const kafka = await startPrivateKafka()
  opened.push(() => kafka.remove())
  const { transport } = open(subject, kafka.brokers)
  const topic = await newTopic(transport, 1)
  const { scans } = await consume(transport, topic)
  const values = await followed(transport, topic)
  for (const scan of range(0, 10)) await publish(transport, topic, [scan])
  for (const read of [scans, () => values]) await vi.waitFor(() => expect(read()).toHaveLength(10), soon)
  await kafka.kill()
  const [log] = globSync(join(tmpdir(), 'order-payments-test-*', '**', `${topic}-0`, '*.log'))
  const bytes = readFileSync(log!)
  let end = 0
  for (const _ of range(0, 5)) end += 12 + bytes.readInt32BE(end + 8)
  truncateSync(log!, end)
  await kafka.start()
  const publisher = open(subject, kafka.brokers).transport
  await vi.waitFor(() => publish(publisher, topic, range(100, 120)), { timeout: 30_000, interval: 20 })
  for (const read of [scans, () => values]) {
    await vi.waitFor(() => expect(read()).toContain(119), soon)
    expect(sorted([...new Set(read())]).filter(scan => scan >= 100)).toEqual(range(100, 120))
  }
}, 120_000)

test('made at once with other numbers of partitions, a topic is made with one of them', async () => {
  const topic = uniqueName('ensured')
  const ensure = (partitions: number) => open(subject).transport.ensureTopics(settingsOf(topic, partitions))
  await Promise.all([3, 9, 3, 9, 3, 9].map(ensure))
  const topics = await openAdmin().metadata({ topics: [topic] })
  expect([3, 9]).toContain(topics.topics.get(topic)!.partitionsCount)
}, 60_000)

test('a topic that is being made is not waited for once the transport is closed', async () => {
  const topic = uniqueName('ensured')
  const { transport } = open(subject)
  const ensuring = transport.ensureTopics(settingsOf(topic, 300)).then(
    () => 'made',
    () => 'given up',
  )
  const admin = openAdmin()
  await vi.waitFor(async () => expect(await admin.listTopics()).toContain(topic), { ...soon, interval: 1 })
  await transport.close()
  expect(await Promise.race([ensuring, sleep(10_000, 'hangs')])).not.toBe('hangs')
}, 60_000)
