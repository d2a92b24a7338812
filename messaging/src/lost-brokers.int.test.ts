import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, Consumer } from '@platformatic/kafka'
import { uniqueName } from 'scripts/test-infrastructure'
import { type KafkaPair, startKafkaPair } from 'scripts/testing/kafka-pair'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { keepingLog, range } from './consumer-fixture.ts'
import { openKafka } from './platformatic-transport.ts'
import { partitionOf } from './record-batch.ts'
import type { Transport } from './transport.ts'
import { consume, followed, open, opened, soon, sorted } from './transport-suite/fixture.ts'

const module = new URL('./platformatic-transport.ts', import.meta.url)
const subject = { open: openKafka, module, exportName: 'openKafka' }

let kafka: KafkaPair
beforeAll(async () => {
  kafka = await startKafkaPair()
}, 120_000)
afterAll(async () => {
  await kafka?.second.remove()
  await kafka?.first.remove()
})

/** Until the test is over, if it does not start it itself. */
async function killSecond(): Promise<void> {
  await kafka.second.kill()
  opened.push(() => kafka.second.start().catch(() => undefined))
}

function openAdmin() {
  const admin = new Admin({ clientId: uniqueName('admin'), bootstrapBrokers: kafka.first.brokers })
  opened.push(() => admin.close())
  return admin
}

/** A topic of which each partition is on one broker alone, in the order given. */
async function topicOn(...brokers: number[]): Promise<string> {
  const topic = uniqueName('scanned')
  const assignments = brokers.map((id, partition) => ({ partition, brokers: [id] }))
  const admin = openAdmin()
  await vi.waitFor(() => admin.createTopics({ topics: [topic], assignments }), soon)
  await vi.waitFor(() => admin.metadata({ topics: [topic], forceUpdate: true }), soon)
  return topic
}

/** Keys of one of two partitions. */
const keysOf = (partition: number) =>
  range(0, 20)
    .map(String)
    .filter(key => partitionOf(key, 2) === partition)

const publishTo = (transport: Transport, topic: string, partition: number, scans: number[]) =>
  transport.publish(
    scans.map(scan => ({ topic, key: keysOf(partition)[0]!, value: String(scan), headers: {} })),
  )

/** The name of a group that this broker coordinates. */
async function groupOn(broker: number): Promise<string> {
  for (;;) {
    const groupId = uniqueName('group')
    const asking = new Consumer({ groupId, clientId: groupId, bootstrapBrokers: kafka.first.brokers })
    try {
      const coordinator = await vi.waitFor(() => asking.findGroupCoordinator(), soon)
      if ((coordinator as unknown) === broker) return groupId
    } finally {
      await asking.close()
    }
  }
}

// The first: later, the second broker coordinates none.
test('a member whose coordinator has left the cluster between two heartbeats finds the one that has come', async () => {
  const topic = await topicOn(1)
  const groupId = await groupOn(2)
  const { log } = keepingLog()
  const clientId = uniqueName('test')
  // Heartbeats are 12 s apart: by the second, the look for partitions has told that the broker is gone.
  const transport = openKafka({ brokers: kafka.first.brokers, clientId, log, sessionTimeoutMs: 60_000 })
  opened.push(() => transport.close())
  await consume(transport, topic, { groupId })
  const admin = openAdmin()
  const isCommitted = (offset: bigint) =>
    vi.waitFor(async () => {
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
      expect(group?.topics[0]?.partitions[0]?.committedOffset).toBe(offset)
    }, soon)
  await publishTo(transport, topic, 0, [0])
  await isCommitted(1n)
  await killSecond()
  await sleep(14_000)
  await publishTo(transport, topic, 0, [1])
  await isCommitted(2n)
}, 120_000)

test('while a partition has no leader the others are published to and read, by who comes then as well; once it has one, it is too', async () => {
  const topic = await topicOn(1, 2)
  const publisher = open(subject, kafka.first.brokers).transport
  const [member, follower] = range(0, 2).map(() => open(subject, kafka.first.brokers))
  const { scans } = await consume(member!.transport, topic)
  const values = await followed(follower!.transport, topic)
  for (const partition of [0, 1]) await publishTo(publisher, topic, partition, [partition])
  for (const read of [scans, () => values])
    await vi.waitFor(() => expect(sorted(read())).toEqual([0, 1]), soon)

  await killSecond()
  const waits = { level: 'warn', details: { topic, partition: 1 } }
  const told = () =>
    [member, follower].map(of => of!.lines.filter(({ message }) => message.includes('leader')))
  await vi.waitFor(() => expect(told()).toMatchObject([[waits], [waits]]), soon)
  const newPublisher = open(subject, kafka.first.brokers).transport
  const joining = open(subject, kafka.first.brokers)
  await joining.transport.ensureTopics([{ topic, partitions: 2, replication: 1, minInsyncReplicas: 1 }])
  const later = await consume(joining.transport, topic, { groupId: uniqueName('later') })
  // Longer than they take to look for partitions again.
  for (const scan of range(10, 22)) {
    await publishTo(scan % 2 ? publisher : newPublisher, topic, 0, [scan])
    for (const read of [scans, () => values, later.scans])
      await vi.waitFor(() => expect(read()).toContain(scan), { timeout: 4_000, interval: 20 })
    await sleep(1_000)
  }
  expect(told()).toMatchObject([[waits], [waits]])
  await expect(publishTo(publisher, topic, 1, [30])).rejects.toThrow(
    `No broker leads partition 1 of ${topic}`,
  )

  await kafka.second.start()
  await vi.waitFor(() => publishTo(publisher, topic, 1, [30]), soon)
  const all = sorted([0, 1, ...range(10, 22), 30])
  for (const read of [scans, () => values, later.scans])
    await vi.waitFor(() => expect(sorted([...new Set(read())])).toEqual(all), soon)
}, 120_000)
