import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, type KafkaJSProtocolError, Partitioners, type Producer } from 'kafkajs'
import { answeredInTime } from './answered-in-time.ts'
import type { KafkaSettings } from './kafka-settings.ts'
import { openClient } from './kafkajs-client.ts'
import { follow } from './kafkajs-follow.ts'
import { subscribe } from './kafkajs-subscriber.ts'
import { publishInParts } from './publish-in-parts.ts'
import type { OutgoingMessage, TopicSettings, Transport } from './transport.ts'
import { untilLeadersAnswer } from './until-leaders-answer.ts'

/** A broker that does not answer is left without a word. */
const disconnectMaxMs = 2_000

/**
 * The transport over kafkajs. No guarantee rests on it: its producer runs without idempotence and may repeat, its
 * offsets are committed late; the inbox makes both harmless. Connects on first use. A topic that is deleted stops all that
 * one client has to do with others as well, reading and publishing: kafkajs knows no topics but all together.
 */
export function openKafka(settings: KafkaSettings): Transport {
  const { kafka, cutOff } = openClient(settings)
  const producer = once<Producer>(() =>
    kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false }),
  )
  const admin = once<Admin>(() => kafka.admin())
  let pinging: Promise<unknown> | undefined
  let isClosed = false

  return {
    async publish(messages) {
      const connected = await producer.get()
      const send = (part: OutgoingMessage[]) =>
        connected.sendBatch({ acks: -1, topicMessages: byTopic(part) })
      await publishInParts(
        messages,
        send,
        error => (error as Partial<KafkaJSProtocolError>).type === 'MESSAGE_TOO_LARGE',
      )
    },
    subscribe: subscription => subscribe(settings, subscription),
    follow: async following => follow(settings, await admin.get(), following),
    async ensureTopics(topics) {
      const connected = await admin.get()
      const existing = new Set(await connected.listTopics())
      const missing = topics.filter(({ topic }) => !existing.has(topic))
      if (missing.length)
        await connected.createTopics({ waitForLeaders: false, topics: missing.map(topicRequest) })
      // Of what one partition refuses, its producer sends again what the others took.
      for (const { topic } of missing)
        await untilLeadersAnswer(
          () => connected.fetchTopicOffsets(topic),
          () => isClosed,
        )
    },
    async ping() {
      // kafkajs tries for long; who asks often must not pile up attempts.
      pinging ??= admin
        .get()
        .then(connected => connected.describeCluster())
        .finally(() => {
          pinging = undefined
        })
      await answeredInTime(pinging)
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
      isClosed = true
      await Promise.all([producer.close(), admin.close()])
      cutOff()
    },
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
      await Promise.race([disconnected, sleep(disconnectMaxMs, undefined, { ref: false })])
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
  configEntries: [
    { name: 'min.insync.replicas', value: String(minInsyncReplicas) },
    // kafkajs reads gzip only. With this the broker unpacks what other programs send in lz4, snappy or zstd.
    { name: 'compression.type', value: 'uncompressed' },
  ],
})
