import { setTimeout } from 'node:timers/promises'
import {
  type Admin,
  type Consumer,
  type EachBatchPayload,
  Kafka,
  logLevel,
  Partitioners,
  type Producer,
} from 'kafkajs'
import { BatchMerger } from './batch-merger.ts'
import { follow } from './kafkajs-follow.ts'
import { toIncoming } from './kafkajs-message.ts'
import type { Log } from './log.ts'
import type {
  IncomingMessage,
  OutgoingMessage,
  Subscriber,
  Subscription,
  TopicSettings,
  Transport,
} from './transport.ts'

export type KafkaSettings = { brokers: string[]; clientId: string; log: Log }

/** A member that was killed holds its partitions for this long. 6,000 ms is the least a broker allows by default. */
const sessionTimeoutMs = 10_000
const heartbeatIntervalMs = 2_000
/** A broker that does not answer is left without a word. */
const disconnectMaxMs = 2_000
/** An idle fetch is waited for when a consumer ends: kafkajs's 5 s made each service take 5 s to stop. */
const fetchWaitMsMax = 500
const fetchBytesMax = 5 * 1024 * 1024
const fetchPartitionBytesMax = 1024 * 1024
/** More than any topic's partitions on one member, so that all partitions of a fetch are handed over at once. */
const partitionsAtOnceMax = 256

/**
 * The transport over kafkajs. No guarantee rests on it: its producer runs without idempotence and may repeat, its
 * offsets are committed late; the inbox makes both harmless. Connects on first use.
 */
export function openKafka({ brokers, clientId, log }: KafkaSettings): Transport {
  const kafka = new Kafka({
    clientId,
    brokers,
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 3_000 },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ level, log: { message, ...details } }) =>
        log[level <= logLevel.ERROR ? 'warn' : 'debug'](pick(details), `kafka client: ${message}`),
  })
  const producer = once<Producer>(() =>
    kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false }),
  )
  const admin = once<Admin>(() => kafka.admin())

  return {
    async publish(messages) {
      const connected = await producer.get()
      await connected.sendBatch({ acks: -1, topicMessages: byTopic(messages) })
    },
    subscribe: subscription => subscribe(kafka, subscription, log),
    follow: async following => follow(kafka, await admin.get(), following, log),
    async ensureTopics(topics) {
      const connected = await admin.get()
      const existing = new Set(await connected.listTopics())
      const missing = topics.filter(({ topic }) => !existing.has(topic))
      if (missing.length)
        await connected.createTopics({ waitForLeaders: true, topics: missing.map(topicRequest) })
    },
    async ping() {
      await (await admin.get()).describeCluster()
    },
    async lag(groupId, topics) {
      const connected = await admin.get()
      const committed = await connected.fetchOffsets({ groupId, topics })
      let behind = 0
      for (const { topic, partitions } of committed) {
        for (const end of await connected.fetchTopicOffsets(topic)) {
          const offset = partitions.find(({ partition }) => partition === end.partition)?.offset ?? '-1'
          behind += Number(end.high) - Math.max(Number(offset), Number(end.low))
        }
      }
      return behind
    },
    async close() {
      await Promise.all([producer.close(), admin.close()])
    },
  }
}

async function subscribe(kafka: Kafka, subscription: Subscription, log: Log): Promise<Subscriber> {
  const consumer = kafka.consumer({
    groupId: subscription.groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatIntervalMs,
    maxWaitTimeInMs: fetchWaitMsMax,
    maxBytes: fetchBytesMax,
    maxBytesPerPartition: fetchPartitionBytesMax,
    allowAutoTopicCreation: false,
    // Whatever it is, a consumer that gives up helps nobody.
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 3_000, restartOnFailure: async () => true },
  })
  const offsets = new OffsetCommits(consumer, log)
  let running = false
  let closing = new AbortController()
  consumer.on(consumer.events.GROUP_JOIN, () => {
    running = true
    closing = new AbortController()
  })
  consumer.on(consumer.events.REBALANCING, () => closing.abort())
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    running = false
    closing.abort()
    log.warn(
      { err: payload.error, group: subscription.groupId },
      'consumer lost its broker; it starts again by itself',
    )
  })

  const merger = new BatchMerger<IncomingMessage>(subscription.batchSizeMax, messages =>
    subscription.onBatch(messages, closing.signal),
  )
  const eachBatch = async ({ batch, resolveOffset, heartbeat, isStale }: EachBatchPayload) => {
    if (isStale() || batch.messages.length === 0) return
    // Handling may outlast the session (a database that is down is waited for), so the member stays alive meanwhile.
    const alive = setInterval(() => heartbeat().catch(() => closing.abort()), heartbeatIntervalMs)
    try {
      await merger.add(batch.messages.map(message => toIncoming(batch.topic, batch.partition, message)))
    } finally {
      clearInterval(alive)
    }
    const last = batch.lastOffset()
    resolveOffset(last)
    offsets.handled(batch.topic, batch.partition, BigInt(last) + 1n)
  }

  try {
    await consumer.connect()
    await consumer.subscribe({ topics: subscription.topics, fromBeginning: subscription.from === 'earliest' })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: partitionsAtOnceMax,
      eachBatch,
    })
  } catch (error) {
    await consumer.disconnect().catch(() => undefined)
    throw error
  }
  const committing = setInterval(() => offsets.commit(), subscription.offsetCommitIntervalMs)
  return {
    isRunning: () => running,
    async close() {
      clearInterval(committing)
      closing.abort()
      running = false
      await consumer.stop()
      await offsets.commit()
      await consumer.disconnect()
    },
  }
}

/** Commits offsets behind the work: late is harmless, early never happens. */
class OffsetCommits {
  readonly #consumer: Consumer
  readonly #log: Log
  #due = new Map<string, { topic: string; partition: number; offset: string }>()

  constructor(consumer: Consumer, log: Log) {
    this.#consumer = consumer
    this.#log = log
  }

  handled(topic: string, partition: number, next: bigint): void {
    this.#due.set(`${topic}/${partition}`, { topic, partition, offset: String(next) })
  }

  async commit(): Promise<void> {
    if (this.#due.size === 0) return
    const due = [...this.#due.values()]
    this.#due.clear()
    try {
      await this.#consumer.commitOffsets(due)
    } catch (err) {
      // Expected in a rebalance: the partitions' next owner repeats what was handled, and its inbox knows it.
      this.#log.debug({ err }, 'offsets not committed')
    }
  }
}

/** One client that connects on first use, and again after a failed attempt. */
function once<Client extends { connect(): Promise<void>; disconnect(): Promise<void> }>(make: () => Client) {
  let connected: Promise<Client> | undefined
  return {
    get(): Promise<Client> {
      connected ??= (async () => {
        const client = make()
        await client.connect()
        return client
      })().catch(error => {
        connected = undefined
        throw error
      })
      return connected
    },
    async close(): Promise<void> {
      const disconnected = connected?.then(client => client.disconnect()).catch(() => undefined)
      await Promise.race([disconnected, setTimeout(disconnectMaxMs, undefined, { ref: false })])
    },
  }
}

function byTopic(messages: OutgoingMessage[]) {
  const topics = Map.groupBy(messages, ({ topic }) => topic)
  return [...topics].map(([topic, of]) => ({
    topic,
    messages: of.map(({ key, value, headers }) => ({ key, value, headers })),
  }))
}

const topicRequest = ({ topic, partitions, replication, minInsyncReplicas }: TopicSettings) => ({
  topic,
  numPartitions: partitions,
  replicationFactor: replication,
  configEntries: [{ name: 'min.insync.replicas', value: String(minInsyncReplicas) }],
})

/** kafkajs logs whole stacks and configurations; these say enough. */
function pick({ broker, clientId, error, groupId, topic }: Record<string, unknown>): object {
  return { broker, clientId, error, groupId, topic }
}
