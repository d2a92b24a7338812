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
