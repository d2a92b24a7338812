import { startPrivateKafka, uniqueName } from 'scripts/test-infrastructure'
import { describe, expect, test, vi } from 'vitest'
import { range } from '../consumer-fixture.ts'
import type { IncomingMessage, PartitionRange, Transport } from '../transport.ts'
import { newTopic, open, opened, publish, type Subject, soon, sorted } from './fixture.ts'

/** Follows, and keeps what came. */
async function follow(transport: Transport, topic: string, begin: (range: PartitionRange) => bigint) {
  const values: number[] = []
  const next = new Map<number, bigint>()
  const subscriber = await transport.follow({
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

export function testFollowing(subject: Subject): void {
  describe('follow', () => {
    test('each follower gets all of the topic, what was there and what comes, beside any other', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport, 3)
      await publish(transport, topic, range(0, 50))
      const followers = await Promise.all(
        [1, 2].map(() => follow(open(subject).transport, topic, ({ first }) => first)),
      )
      await publish(transport, topic, range(50, 100))
      for (const { values } of followers) {
        await vi.waitFor(() => expect(sorted(values)).toEqual(range(0, 100)), soon)
      }
    })

    test('a follower begins where it chose', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport, 1)
      await publish(transport, topic, range(0, 50))
      const { values, next } = await follow(transport, topic, ({ end }) => end - 10n)
      await publish(transport, topic, range(50, 55))
      await vi.waitFor(() => expect(values).toEqual(range(40, 55)), soon)
      expect(next.get(0)).toBe(55n)
    })

    test('however much is there, a follower is handed a little at a time', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport, 1)
      const message = { topic, key: 'k', value: 'x'.repeat(1_000), headers: {} }
      for (let batch = 0; batch < 40; batch++)
        await transport.publish(Array.from({ length: 50 }, () => message))
      const handed: number[] = []
      const subscriber = await transport.follow({
        topic,
        begin: ranges => new Map(ranges.map(({ partition, first }) => [partition, first])),
        onBatch: (_partition, messages) => void handed.push(messages.length),
      })
      opened.push(() => subscriber.close())
      await vi.waitFor(() => expect(handed.reduce((sum, count) => sum + count, 0)).toBe(2_000), soon)
      expect(Math.max(...handed)).toBeLessThanOrEqual(300)
    })

    test('a topic that is not there is an error, for the caller to try again', async () => {
      await expect(
        follow(open(subject).transport, uniqueName('nobody-made'), ({ end }) => end),
      ).rejects.toThrow()
    })

    test('a broker that is killed and comes back is found again, and nothing is missing', async () => {
      const kafka = await startPrivateKafka()
      opened.push(() => kafka.remove())
      const { transport } = open(subject, kafka.brokers)
      const topic = await newTopic(transport, 3)
      const { values, subscriber } = await follow(transport, topic, ({ end }) => end)
      await publish(transport, topic, range(0, 20))
      await vi.waitFor(() => expect(values).toHaveLength(20), soon)
      await kafka.kill()
      await kafka.start()
      const publisher = open(subject, kafka.brokers).transport
      await vi.waitFor(() => publish(publisher, topic, range(20, 40)), { timeout: 30_000, interval: 500 })
      await vi.waitFor(() => expect(new Set(values)).toEqual(new Set(range(0, 40))), { timeout: 60_000 })
      expect(subscriber.isRunning()).toBe(true)
    }, 120_000)
  })
}
