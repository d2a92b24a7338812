import { randomUUID } from 'node:crypto'
import type { Admin, Kafka } from 'kafkajs'
import { toIncoming } from './kafkajs-message.ts'
import type { Log } from './log.ts'
import type { Following, Subscriber } from './transport.ts'

const sessionTimeoutMs = 10_000
const heartbeatIntervalMs = 2_000
const partitionsAtOnceMax = 256
/** How long the broker holds back an answer without messages; closing waits for the one under way. */
const fetchWaitMs = 500

/**
 * kafkajs reads only as a member of a group, so this is a group of one with a name of its own. It commits
 * nothing: the broker forgets it when it leaves, and its place is set anew each time that it joins.
 */
export async function follow(
  kafka: Kafka,
  admin: Admin,
  { topic, begin, onBatch }: Following,
  log: Log,
): Promise<Subscriber> {
  const ranges = await admin.fetchTopicOffsets(topic)
  const next = begin(
    ranges.map(({ partition, low, high }) => ({ partition, first: BigInt(low), end: BigInt(high) })),
  )
  const consumer = kafka.consumer({
    groupId: `follow-${topic}-${randomUUID()}`,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatIntervalMs,
    maxWaitTimeInMs: fetchWaitMs,
    allowAutoTopicCreation: false,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 3_000, restartOnFailure: async () => true },
  })
  let running = false
  consumer.on(consumer.events.GROUP_JOIN, () => {
    running = true
    // Emitted before the first fetch of this membership; without committed offsets it would begin elsewhere.
    for (const [partition, offset] of next) consumer.seek({ topic, partition, offset: String(offset) })
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    running = false
    log.warn({ err: payload.error, topic }, 'following lost its broker; it goes on by itself')
  })
  try {
    await consumer.connect()
    // A place that is no longer in the topic means that the topic is another: it is read from its beginning.
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: partitionsAtOnceMax,
      eachBatch: async ({ batch, isStale }) => {
        if (isStale()) return
        const after = BigInt(batch.lastOffset()) + 1n
        next.set(batch.partition, after)
        onBatch(
          batch.partition,
          batch.messages.map(message => toIncoming(topic, batch.partition, message)),
          after,
        )
      },
    })
  } catch (error) {
    await consumer.disconnect().catch(() => undefined)
    throw error
  }
  return {
    isRunning: () => running,
    async close() {
      running = false
      await consumer.disconnect()
    },
  }
}
