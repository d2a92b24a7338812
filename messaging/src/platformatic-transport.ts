import { setTimeout as sleep } from 'node:timers/promises'
import {
  Admin,
  compatibilityPartitioner,
  ProduceAcks,
  Producer,
  stringSerializers,
} from '@platformatic/kafka'
import type { KafkaSettings } from './kafka-settings.ts'
import { baseOptions, cutOff, isError, told, watch } from './platformatic-client.ts'
import { follow } from './platformatic-follow.ts'
import { subscribe } from './platformatic-subscriber.ts'
import { publishInParts } from './publish-in-parts.ts'
import type { OutgoingMessage, TopicSettings, Transport } from './transport.ts'

const pingMaxMs = 5_000
const leaderWaitMs = 50
/** About 5 s in all. */
const publishRetries = 5
const publishRetryMs = (attempt: number) => Math.min(100 * 2 ** attempt, 3_000)

/** Of the headers' names and of what comes again in them: types, sources. Ids are longer. */
const repeatedLengthMax = 31
const repeatedMax = 1_024
const repeated = new Map<string, Buffer>()

/** The client keeps headers in a Map by their encoded names: the same Buffer each time spares it a hash and a copy. */
function encodeHeader(text = ''): Buffer {
  const known = repeated.get(text)
  if (known) return known
  const encoded = Buffer.from(text)
  if (text.length > repeatedLengthMax) return encoded
  if (repeated.size === repeatedMax) repeated.clear()
  repeated.set(text, encoded)
  return encoded
}

/** The transport over @platformatic/kafka. Connects on first use. */
export function openKafka(settings: KafkaSettings): Transport {
  let withoutKey = 0
  const producer = new Producer({
    ...baseOptions(settings),
    retries: publishRetries,
    retryDelay: (_client, _operation, attempt) => publishRetryMs(attempt),
    serializers: { ...stringSerializers, headerKey: encodeHeader, headerValue: encodeHeader },
    // As kafkajs and Java choose, so that a key keeps its partition; its own default differs for half of the keys.
    partitioner: (message, key) => (key ? compatibilityPartitioner(message, key) : withoutKey++),
  })
  const admin = new Admin(baseOptions(settings))
  for (const client of [producer, admin]) watch(client, settings)
  const send = (messages: OutgoingMessage[]) =>
    producer.send({
      acks: ProduceAcks.ALL,
      messages: messages.map(({ key, ...message }) => ({ ...message, key: key ?? undefined })),
    })

  return {
    async publish(messages) {
      await told(publishInParts(messages, send, error => isError(error, 'MESSAGE_TOO_LARGE')))
    },
    subscribe: subscription => subscribe(settings, subscription),
    follow: following => follow(settings, following),
    async ensureTopics(topics) {
      const existing = new Set(await admin.listTopics())
      const missing = topics.filter(({ topic }) => !existing.has(topic))
      for (const topic of missing) await told(createTopic(admin, topic))
    },
    async ping() {
      const late = new AbortController()
      const tooLate = sleep(pingMaxMs, undefined, { signal: late.signal }).then(
        () => Promise.reject(new Error(`no Kafka broker answered within ${pingMaxMs} ms`)),
        () => undefined,
      )
      const asked = admin.metadata({ topics: [], forceUpdate: true })
      await told(Promise.race([asked, tooLate])).finally(() => late.abort())
    },
    async lag(groupId, topics) {
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
      const { topics: found } = await admin.metadata({ topics })
      const at = (timestamp: bigint) =>
        admin.listOffsets({
          topics: topics.map(name => ({
            name,
            partitions: found
              .get(name)!
              .partitions.map((_, partitionIndex) => ({ partitionIndex, timestamp })),
          })),
        })
      const [first, end] = await Promise.all([at(-2n), at(-1n)])
      let behind = 0
      for (const { name, partitions } of end) {
        const committed = group?.topics.find(topic => topic.name === name)?.partitions
        const begin = first.find(topic => topic.name === name)!.partitions
        for (const { partitionIndex, offset } of partitions) {
          const is = (of: { partitionIndex: number }) => of.partitionIndex === partitionIndex
          const done = committed?.find(is)?.committedOffset ?? -1n
          const low = begin.find(is)!.offset
          behind += Number(offset - (done > low ? done : low))
        }
      }
      return behind
    },
    async close() {
      cutOff(producer)
      cutOff(admin)
    },
  }
}

async function createTopic(
  admin: Admin,
  { topic, partitions, replication, minInsyncReplicas }: TopicSettings,
) {
  try {
    await admin.createTopics({
      topics: [topic],
      partitions,
      replicas: replication,
      configs: [{ name: 'min.insync.replicas', value: String(minInsyncReplicas) }],
    })
  } catch (error) {
    if (!isError(error, 'TOPIC_ALREADY_EXISTS')) throw error
  }
  // The metadata names leaders that do not know it yet: only they can say when they do.
  const all = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n }))
  while (
    !(await admin.listOffsets({ topics: [{ name: topic, partitions: all }] }).then(
      () => true,
      () => false,
    ))
  )
    await sleep(leaderWaitMs)
}
