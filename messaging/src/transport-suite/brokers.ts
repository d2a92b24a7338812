import { createServer, type Socket } from 'node:net'
import { startPrivateKafka, uniqueName } from 'scripts/test-infrastructure'
import { describe, expect, test, vi } from 'vitest'
import { range } from '../consumer-fixture.ts'
import {
  consume,
  expectOrdered,
  groupOf,
  newTopic,
  open,
  opened,
  publish,
  type Subject,
  soon,
} from './fixture.ts'

export function testBrokerFaults(subject: Subject): void {
  describe('no broker', () => {
    /** Takes connections and never answers, as a frozen broker does. */
    async function frozenBroker(): Promise<string> {
      const sockets = new Set<Socket>()
      const server = createServer(socket => void sockets.add(socket.on('error', () => {})))
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      opened.push(async () => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
      return `127.0.0.1:${(server.address() as { port: number }).port}`
    }

    test('ping rejects within its bound, whether the broker refuses or is frozen', async () => {
      const refusing = open(subject, ['127.0.0.1:1']).transport
      const frozen = open(subject, [await frozenBroker()]).transport
      const startedAt = performance.now()
      const pings = await Promise.allSettled(range(0, 20).flatMap(() => [refusing.ping(), frozen.ping()]))
      expect(pings.every(({ status }) => status === 'rejected')).toBe(true)
      expect(performance.now() - startedAt).toBeLessThan(6_000)
    })

    test('a subscription that cannot connect ends with its signal at once, and closing does not hang', async () => {
      const { transport } = open(subject, [await frozenBroker()])
      const stopping = new AbortController()
      const subscribing = transport.subscribe({
        groupId: 'g',
        topics: ['t'],
        batchSizeMax: 1,
        offsetCommitIntervalMs: 1_000,
        onBatch: async () => {},
        signal: stopping.signal,
      })
      const startedAt = performance.now()
      stopping.abort(new Error('no longer wanted'))
      await expect(subscribing).rejects.toThrow('no longer wanted')
      const publishing = transport
        .publish([{ topic: 't', key: null, value: '', headers: {} }])
        .catch(error => error)
      await transport.close()
      expect(performance.now() - startedAt).toBeLessThan(4_000)
      expect(await publishing).toBeInstanceOf(Error)
    })
  })

  test('ensureTopics may run anywhere at once and again, and changes no topic that exists', async () => {
    const { transport } = open(subject)
    const topic = uniqueName('ensured')
    const settings = { topic, partitions: 3, replication: 1, minInsyncReplicas: 1 }
    await Promise.all(range(0, 5).map(() => open(subject).transport.ensureTopics([settings])))
    await transport.ensureTopics([{ ...settings, partitions: 9 }])
    await publish(transport, topic, range(0, 60))
    const { batches, scans } = await consume(transport, topic)
    await vi.waitFor(() => expect(scans()).toHaveLength(60), soon)
    expect(new Set(batches.flat().map(({ partition }) => partition)).size).toBe(3)
  })

  test('a topic that was made just now takes each message once: all its leaders know that they lead', async () => {
    const { transport } = open(subject)
    const topic = await newTopic(transport, 200)
    await publish(transport, topic, range(0, 600), 600)
    expect(await transport.lag(groupOf(topic), [topic])).toBe(600)
  })

  test('Kafka killed and started in mid-stream: publishing and consuming go on by themselves, nothing is lost', async () => {
    const kafka = await startPrivateKafka()
    opened.push(() => kafka.remove())
    const { transport } = open(subject, kafka.brokers)
    const topic = await newTopic(transport)
    const { scans, subscriber } = await consume(transport, topic)
    await publish(transport, topic, range(0, 200))
    await vi.waitFor(() => expect(scans().length).toBeGreaterThan(0), soon)
    const isOver = { yes: false }
    let published = 200
    // As the relay does: the same batch again until it is known to be stored.
    const publishing = (async () => {
      while (!isOver.yes) {
        await publish(transport, topic, range(published, published + 20)).then(
          () => {
            published += 20
          },
          () => undefined,
        )
      }
    })()
    await kafka.kill()
    await kafka.start()
    const afterStart = published
    await vi.waitFor(() => expect(published).toBeGreaterThan(afterStart + 200), { timeout: 40_000 })
    isOver.yes = true
    await publishing
    await vi.waitFor(() => expect(new Set(scans()).size).toBe(published), { timeout: 40_000 })
    expectOrdered(scans(), range(0, published))
    expect(subscriber.isRunning()).toBe(true)
  }, 120_000)
}
