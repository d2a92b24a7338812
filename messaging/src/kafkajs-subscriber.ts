import { setTimeout as sleep } from 'node:timers/promises'
import type { EachBatchPayload } from 'kafkajs'
import { type Backoff, backoffMs } from './backoff.ts'
import { BatchMerger } from './batch-merger.ts'
import { heartbeatsPerSession, leaveMaxMs, sessionTimeoutMsDefault, whenAborted } from './group-member.ts'
import { fetchBytesMax, fetchPartitionBytesMax, type KafkaSettings } from './kafka-settings.ts'
import { assigner } from './kafkajs-assigner.ts'
import { kafkaRetry, openClient } from './kafkajs-client.ts'
import { toIncoming } from './kafkajs-message.ts'
import { OffsetCommits } from './offset-commits.ts'
import type { IncomingMessage, Subscriber, Subscription } from './transport.ts'

/** A fetch that waits for messages delays leaving the group, and noticing that others join it, by this long. */
const fetchWaitMaxMs = 500
/** About 5 minutes. Who gives up and starts again is a new member, and waits until the group has given up the old. */
const memberRetries = 100
/** More than any topic's partitions on one member, so that all partitions of a fetch are handed over at once. */
const partitionsAtOnceMax = 256
const restart: Backoff = { firstMs: 500, maxMs: 5_000 }

/** A member of a consumer group that comes back by itself, whatever ends it, until it is closed. */
export async function subscribe(settings: KafkaSettings, subscription: Subscription): Promise<Subscriber> {
  const { log, sessionTimeoutMs = sessionTimeoutMsDefault } = settings
  const heartbeatIntervalMs = sessionTimeoutMs / heartbeatsPerSession
  const { groupId, topics, batchSizeMax, offsetCommitIntervalMs, onBatch } = subscription
  const { kafka, cutOff } = openClient(settings)
  const closing = new AbortController()
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatIntervalMs,
    partitionAssigners: [assigner],
    maxWaitTimeInMs: fetchWaitMaxMs,
    maxBytes: fetchBytesMax,
    maxBytesPerPartition: fetchPartitionBytesMax,
    allowAutoTopicCreation: false,
    retry: { ...kafkaRetry, retries: memberRetries, restartOnFailure: async () => !closing.signal.aborted },
  })
  const offsets = new OffsetCommits(
    due => consumer.commitOffsets(due.map(({ offset, ...of }) => ({ ...of, offset: String(offset) }))),
    log,
  )
  /** When the group last counted this member in. */
  let memberAt = Number.NEGATIVE_INFINITY
  let batchInHand = new AbortController()
  /** Why the group no longer counts this member in, as its heartbeat learned it. */
  let lost: unknown

  const merger = new BatchMerger<IncomingMessage>(batchSizeMax, async messages => {
    batchInHand = new AbortController()
    if (closing.signal.aborted) batchInHand.abort()
    await onBatch(messages, batchInHand.signal)
    for (const { topic, partition, offset } of messages) offsets.handled(topic, partition, offset + 1n)
  })

  async function eachBatch({ batch, resolveOffset, heartbeat, isStale }: EachBatchPayload) {
    if (closing.signal.aborted || isStale() || batch.messages.length === 0) return
    // Handling may outlast the session (a database that is down is waited for), so the member stays alive meanwhile.
    const alive = setInterval(() => heartbeat().then(confirmed, refused), heartbeatIntervalMs)
    try {
      await merger.add(batch.messages.map(message => toIncoming(batch.topic, batch.partition, message)))
    } catch (error) {
      if (closing.signal.aborted) return
      // kafkajs joins again at once for its own error, and only after several attempts for any other.
      throw lost ?? error
    } finally {
      clearInterval(alive)
    }
    const last = batch.lastOffset()
    resolveOffset(last)
    offsets.handled(batch.topic, batch.partition, BigInt(last) + 1n)
  }
  const confirmed = () => {
    lost = undefined
  }
  const refused = (error: unknown) => {
    lost = error
    batchInHand.abort(error)
  }

  consumer.on(consumer.events.GROUP_JOIN, () => {
    memberAt = performance.now()
    confirmed()
    offsets.forget()
  })
  consumer.on(consumer.events.HEARTBEAT, () => {
    memberAt = performance.now()
  })
  consumer.on(consumer.events.REBALANCING, () => void offsets.commit())
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    memberAt = Number.NEGATIVE_INFINITY
    batchInHand.abort(error)
    if (closing.signal.aborted) return
    log.warn({ err: error, group: groupId }, 'the Kafka client gave up; it starts again by itself')
    if (!restart) void startAgain()
  })

  async function start(): Promise<void> {
    await consumer.connect()
    await consumer.subscribe({ topics, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: partitionsAtOnceMax,
      eachBatch,
    })
  }
  /** After what kafkajs calls not retriable. A consumer that gives up helps nobody. */
  async function startAgain(): Promise<void> {
    for (let failures = 0; ; failures++) {
      await sleep(backoffMs(restart, failures, Math.random()), undefined, { signal: closing.signal }).catch(
        () => undefined,
      )
      if (closing.signal.aborted) return
      try {
        return await start()
      } catch (err) {
        log.warn({ err, group: groupId }, 'cannot consume yet; trying again')
      }
    }
  }

  const abandon = () => {
    closing.abort()
    void consumer.disconnect().catch(() => undefined)
    cutOff()
  }
  const given = subscription.signal
  try {
    await Promise.race([start(), whenAborted(given)])
    given?.throwIfAborted()
  } catch (error) {
    abandon()
    throw error
  }
  const committing = setInterval(() => offsets.commit(), offsetCommitIntervalMs)

  async function leave(): Promise<void> {
    await offsets.commitAll()
    await consumer.stop()
    await consumer.disconnect()
  }
  return {
    isRunning: () => !closing.signal.aborted && performance.now() - memberAt < sessionTimeoutMs,
    async close() {
      closing.abort()
      batchInHand.abort()
      clearInterval(committing)
      await merger.stop()
      await Promise.race([leave().catch(() => undefined), sleep(leaveMaxMs, undefined, { ref: false })])
      cutOff()
    },
  }
}
