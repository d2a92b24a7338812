import { describe, expect, test, vi } from 'vitest'
import { range } from '../consumer-fixture.ts'
import type { IncomingMessage } from '../transport.ts'
import { consume, expectOrdered, newTopic, open, publish, type Subject, soon, sorted } from './fixture.ts'

export function testMembers(subject: Subject): void {
  describe('members that join and leave', () => {
    test('while messages flow: every message arrives, first arrivals of a key in order', async () => {
      const { transport, lines } = open(subject)
      const topic = await newTopic(transport)
      const arrived: number[] = []
      const handle = async (messages: IncomingMessage[]) => {
        arrived.push(...messages.map(({ value }) => Number(value)))
      }
      await consume(transport, topic, { handle })
      let published = 0
      const publishMore = async (count: number) => {
        for (const _ of range(0, count / 20)) {
          await publish(transport, topic, range(published, published + 20))
          published += 20
        }
      }
      await publishMore(200)
      const [second] = await Promise.all([
        consume(open(subject).transport, topic, { handle }),
        publishMore(400),
      ])
      await vi.waitFor(async () => {
        await publishMore(20)
        expect(second.batches.length).toBeGreaterThan(0)
      }, soon)
      await Promise.all([second.subscriber.close(), publishMore(400)])
      await vi.waitFor(() => expect(new Set(arrived).size).toBe(published), soon)
      expectOrdered(arrived, range(0, published))
      expect(lines.filter(({ message }) => message.includes('gave up'))).toEqual([])
    })

    test.each([
      ['reads a topic more', 0],
      ['reads a topic less', 1],
    ])(
      'of two releases the one that leads %s: all of both topics arrives',
      async (_, first) => {
        const { transport } = open(subject)
        const [topic, added] = [await newTopic(transport, 4), await newTopic(transport, 4)]
        const releases = [[topic, added], [topic]]
        const members: Awaited<ReturnType<typeof consume>>[] = []
        for (const topics of [releases[first]!, releases[1 - first]!]) {
          members.push(await consume(open(subject).transport, topic, { topics }))
        }
        await publish(transport, topic, range(0, 40))
        await publish(transport, added, range(100, 140))
        const arrived = () => sorted([...new Set(members.flatMap(({ scans }) => scans()))])
        await vi.waitFor(() => expect(arrived()).toEqual([...range(0, 40), ...range(100, 140)]), soon)
      },
      60_000,
    )

    test('a handler that waits for its database gives its partitions up to the one that joins, and goes on', async () => {
      const { transport, lines } = open(subject)
      const topic = await newTopic(transport, 2)
      await publish(transport, topic, range(0, 40))
      let isDown = true
      const handle = vi.fn(
        (_: IncomingMessage[], signal: AbortSignal) =>
          new Promise<void>((resolve, reject) => {
            if (!isDown) return resolve()
            signal.addEventListener('abort', () => reject(new Error('gave up waiting')))
          }),
      )
      const first = await consume(transport, topic, { handle })
      await vi.waitFor(() => expect(handle).toHaveBeenCalled(), soon)
      lines.length = 0
      const second = await consume(open(subject).transport, topic)
      await vi.waitFor(() => expect(second.scans().length).toBeGreaterThan(0), soon)
      isDown = false
      await second.subscriber.close()
      await vi.waitFor(
        () => expect(sorted([...new Set([...first.scans(), ...second.scans()])])).toEqual(range(0, 40)),
        soon,
      )
      expect(first.subscriber.isRunning()).toBe(true)
      expect(lines.filter(({ message }) => message.includes('gave up'))).toEqual([])
    }, 60_000)
  })
}
