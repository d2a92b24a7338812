import { startPrivateKafka, testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { afterEach, expect, test, vi } from 'vitest'
import { openKafka } from './kafkajs-transport.ts'
import type { IncomingMessage, PartitionRange, Subscriber, Transport } from './transport.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

function open(brokers: string[]): Transport {
  const transport = openKafka({ brokers, clientId: uniqueName('test'), log: silent })
  opened.push(() => transport.close())
  return transport
}

async function newTopic(transport: Transport, partitions: number): Promise<string> {
  const topic = uniqueName('followed')
  await transport.ensureTopics([{ topic, partitions, replication: 1, minInsyncReplicas: 1 }])
  return topic
}

const publish = (transport: Transport, topic: string, from: number, to: number) =>
  transport.publish(
    Array.from({ length: to - from }, (_, i) => ({
      topic,
      key: String(from + i),
      value: String(from + i),
      headers: {},
    })),
  )

/** Follows, and keeps what came. */
async function follow(transport: Transport, topic: string, begin: (range: PartitionRange) => bigint) {
  const values: number[] = []
  const next = new Map<number, bigint>()
  const subscriber: Subscriber = await transport.follow({
    topic,
    begin: ranges => new Map(ranges.map(range => [range.partition, begin(range)])),
    onBatch(partition, messages: IncomingMessage[], after) {
      values.push(...messages.map(({ value }) => Number(value)))
      next.set(partition, after)
    },
  })
  opened.push(() => subscriber.close())
  return { values, next, subscriber }
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
const sorted = (values: number[]) => values.toSorted((a, b) => a - b)

test('each follower gets all of the topic, what was there and what comes, beside any other', async () => {
  const transport = open(testBrokers())
  const topic = await newTopic(transport, 3)
  await publish(transport, topic, 0, 50)
  const followers = await Promise.all(
    [1, 2].map(() => follow(open(testBrokers()), topic, ({ first }) => first)),
  )
  await publish(transport, topic, 50, 100)
  for (const { values } of followers) {
    await vi.waitFor(() => expect(sorted(values)).toEqual(range(0, 100)), { timeout: 20_000 })
  }
})

test('a follower begins where it chose', async () => {
  const transport = open(testBrokers())
  const topic = await newTopic(transport, 1)
  await publish(transport, topic, 0, 50)
  const { values, next } = await follow(transport, topic, ({ end }) => end - 10n)
  await publish(transport, topic, 50, 55)
  await vi.waitFor(() => expect(values).toEqual(range(40, 55)), { timeout: 20_000 })
  expect(next.get(0)).toBe(55n)
})

test('a topic that is not there is an error, for the caller to try again', async () => {
  await expect(follow(open(testBrokers()), uniqueName('nobody-made'), ({ end }) => end)).rejects.toThrow()
})

test('a broker that is killed and comes back is found again, and nothing is missing', async () => {
  const kafka = await startPrivateKafka()
  opened.push(() => kafka.remove())
  const transport = open(kafka.brokers)
  const topic = await newTopic(transport, 3)
  const { values, subscriber } = await follow(transport, topic, ({ end }) => end)
  await publish(transport, topic, 0, 20)
  await vi.waitFor(() => expect(values).toHaveLength(20), { timeout: 20_000 })
  await kafka.kill()
  await kafka.start()
  const publisher = open(kafka.brokers)
  await vi.waitFor(() => publish(publisher, topic, 20, 40), { timeout: 30_000, interval: 500 })
  await vi.waitFor(() => expect(new Set(values)).toEqual(new Set(range(0, 40))), { timeout: 60_000 })
  expect(subscriber.isRunning()).toBe(true)
}, 120_000)
