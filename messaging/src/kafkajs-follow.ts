import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { type Backoff, backoffMs } from './backoff.ts'
import { fetchBytesMax, fetchPartitionBytesMax, type KafkaSettings } from './kafka-settings.ts'
import { kafkaRetry, openClient } from './kafkajs-client.ts'
import { toIncoming } from './kafkajs-message.ts'
import type { Following, Subscriber } from './transport.ts'

/** The least that a broker allows by default: after its crash the group waits so long for the member it knew. */
const sessionTimeoutMs = 6_000
const heartbeatIntervalMs = 2_000
const partitionsAtOnceMax = 256
/** How long the broker holds back an answer without messages; closing waits for the one under way. */
const fetchWaitMs = 500
/** For leaving; a broker that does not answer by then is left without a word. */
const leaveMsMax = 2_000
const restart: Backoff = { firstMs: 500, maxMs: 5_000 }

/**
 * kafkajs reads only as a member of a group, so this is a group of one with a name of its own. It commits
 * nothing: the broker forgets it when it leaves, and its place is set anew each time that it joins.
 */
export async function follow(
  settings: KafkaSettings,
  admin: Admin,
  { topic, begin, onBatch }: Following,
): Promise<Subscriber> {
  const { log } = settings
  const ranges = await admin.fetchTopicOffsets(topic)
  const next = begin(
    ranges.map(({ partition, low, high }) => ({ partition, first: BigInt(low), end: BigInt(high) })),
  )
  const { kafka, cutOff } = openClient(settings)
  const closing = new AbortController()
  const consumer = kafka.consumer({
    groupId: `follow-${topic}-${randomUUID()}`,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatIntervalMs,
    maxWaitTimeInMs: fetchWaitMs,
    maxBytes: fetchBytesMax,
    maxBytesPerPartition: fetchPartitionBytesMax,
    allowAutoTopicCreation: false,
    retry: { ...kafkaRetry, restartOnFailure: async () => !closing.signal.aborted },
  })
  let running = false
  consumer.on(consumer.events.GROUP_JOIN, () => {
    running = true
    // Emitted before the first fetch of this membership; without committed offsets it would begin elsewhere.
    for (const [partition, offset] of next) consumer.seek({ topic, partition, offset: String(offset) })
  })
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    running = false
    if (closing.signal.aborted) return
    log.warn({ err: error, topic }, 'following lost its broker; it goes on by itself')
    if (!restart) void startAgain()
  })

  async function start(): Promise<void> {
    await consumer.connect()
    // A place that is no longer in the topic means that the topic is another: it is read from its beginning.
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: partitionsAtOnceMax,
      eachBatch: async ({ batch, isStale }) => {
        if (closing.signal.aborted || isStale()) return
        const { partition, messages } = batch
        const after = BigInt(batch.lastOffset()) + 1n
        next.set(partition, after)
        onBatch(
          partition,
          messages.map(message => toIncoming(topic, partition, message)),
          after,
        )
      },
    })
  }
  /** After what kafkajs calls not retriable. */
  async function startAgain(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      const waitMs = backoffMs(restart, failures, Math.random())
      await sleep(waitMs, undefined, { signal: closing.signal }).catch(() => undefined)
      try {
        return await start()
      } catch (err) {
        log.warn({ err, topic }, 'cannot follow yet; trying again')
      }
    }
  }

  try {
    await start()
  } catch (error) {
    cutOff()
    throw error
  }
  return {
    isRunning: () => running,
    async close() {
      closing.abort()
      running = false
      const left = consumer.disconnect().catch(() => undefined)
      await Promise.race([left, sleep(leaveMsMax, undefined, { ref: false })])
      cutOff()
    },
  }
}
