import { testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { afterEach, expect } from 'vitest'
import { keepingLog, range } from '../consumer-fixture.ts'
import type { KafkaSettings } from '../kafka-settings.ts'
import type { IncomingMessage, Subscription, Transport } from '../transport.ts'

/** A transport to put through the suite: what opens it, and where another process finds that. */
export type Subject = {
  open(settings: KafkaSettings): Transport
  /** URL of the module, and the name of `open` in it. */
  module: URL
  exportName: string
}

export const soon = { timeout: 25_000, interval: 20 }
export const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

export function open(subject: Subject, brokers = testBrokers(), sasl?: KafkaSettings['sasl']) {
  const { log, lines } = keepingLog()
  const transport = subject.open({ brokers, clientId: uniqueName('test'), log, ...(sasl && { sasl }) })
  opened.push(() => transport.close())
  return { transport, lines }
}

export async function newTopic(transport: Transport, partitions = 6): Promise<string> {
  const topic = uniqueName('scanned')
  await transport.ensureTopics([{ topic, partitions, replication: 1, minInsyncReplicas: 1 }])
  return topic
}

export const publish = (transport: Transport, topic: string, scans: number[], keys = 40) =>
  transport.publish(
    scans.map(scan => ({
      topic,
      key: `k${scan % keys}`,
      value: String(scan),
      headers: { scan: String(scan) },
    })),
  )

/** Kafka takes any text for a name. */
export const groupOf = (topic: string) => `group of ${topic}`

/** A group member that keeps what it got; `handle` is what a test has it do with a batch. */
export async function consume(
  transport: Transport,
  topic: string,
  { handle, ...more }: Partial<Subscription> & { handle?: Subscription['onBatch'] } = {},
) {
  const batches: IncomingMessage[][] = []
  const subscriber = await transport.subscribe({
    groupId: groupOf(topic),
    topics: [topic],
    batchSizeMax: 500,
    offsetCommitIntervalMs: 50,
    async onBatch(messages, signal) {
      await handle?.(messages, signal)
      batches.push(messages)
    },
    ...more,
  })
  opened.push(() => subscriber.close())
  return { batches, subscriber, scans: () => batches.flat().map(({ value }) => Number(value)) }
}
/** What comes to one that reads beside any group, from the beginning. */
export async function followed(transport: Transport, topic: string): Promise<number[]> {
  const values: number[] = []
  const subscriber = await transport.follow({
    topic,
    begin: ranges => new Map(ranges.map(({ partition, first }) => [partition, first])),
    onBatch: (_, messages) => void values.push(...messages.map(({ value }) => Number(value))),
  })
  opened.push(() => subscriber.close())
  return values
}

export const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b)
/** Per key, the first arrivals are in the order of publishing. */
export function expectOrdered(arrived: number[], all: number[], keys = 40) {
  expect(sorted([...new Set(arrived)])).toEqual(all)
  for (const key of range(0, keys)) {
    const first = [...new Set(arrived.filter(scan => scan % keys === key))]
    expect(first).toEqual(all.filter(scan => scan % keys === key))
  }
}
