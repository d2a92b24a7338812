import { performance } from 'node:perf_hooks'
import type { Following, Transport } from 'messaging/transport'
import { expect, test, vi } from 'vitest'
import { EventHub } from './event-hub.ts'
import { startFollowing } from './follow-topic.ts'
import { orderMessage, Reader } from './reader-fixture.ts'

const topic = { topic: 'order_status_updates', partitions: 1, replication: 1, minInsyncReplicas: 1 }
const silent = { debug() {}, info() {}, warn() {}, error() {} }
type Broker = Pick<Transport, 'ensureTopics' | 'follow'>

test('a broker that comes late is followed then, and readers that were there before get what comes', async () => {
  const hub = new EventHub({ streamsMax: 10 }, silent)
  const reader = new Reader()
  hub.serve(reader.response, { userId: undefined, place: undefined, sinceMs: Date.now() })
  let attempts = 0
  let deliver: Following['onBatch'] | undefined
  const broker: Broker = {
    async ensureTopics() {
      if (++attempts < 3) throw new Error('no broker')
    },
    async follow({ begin, onBatch }) {
      expect(begin([{ partition: 0, first: 0n, end: 0n }])).toEqual(new Map([[0, 0n]]))
      deliver = onBatch
      return { isRunning: () => true, close: async () => undefined }
    },
  }
  const following = startFollowing(broker, hub, topic, silent)
  expect(following.isRunning()).toBe(false)
  await vi.waitFor(() => expect(following.isRunning()).toBe(true), { timeout: 5_000 })
  expect(hub.isReady).toBe(true)
  deliver?.(0, [orderMessage(0, 0, 'a')], 1n)
  expect(reader.orders).toEqual(['a'])
  await following.stop()
  hub.close()
})

test('stopping does not wait for a broker that does not answer', async () => {
  const hub = new EventHub({ streamsMax: 10 }, silent)
  const never = new Promise<never>(() => undefined)
  const following = startFollowing({ ensureTopics: () => never, follow: () => never }, hub, topic, silent)
  const started = performance.now()
  await following.stop()
  expect(performance.now() - started).toBeLessThan(2_000)
  hub.close()
})
