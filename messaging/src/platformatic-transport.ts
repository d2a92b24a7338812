import { Admin } from '@platformatic/kafka'
import { answeredInTime } from './answered-in-time.ts'
import type { KafkaSettings } from './kafka-settings.ts'
import { baseOptions, cutOff, isError, prepare, told } from './platformatic-client.ts'
import { follow } from './platformatic-follow.ts'
import { openPublisher } from './platformatic-publisher.ts'
import { subscribe } from './platformatic-subscriber.ts'
import { publishInParts } from './publish-in-parts.ts'
import type { TopicSettings, Transport } from './transport.ts'
import { untilLeadersAnswer } from './until-leaders-answer.ts'

/** The transport over @platformatic/kafka. Connects on first use. */
export function openKafka(settings: KafkaSettings): Transport {
  const publisher = openPublisher(settings)
  const admin = new Admin(baseOptions(settings))
  for (const client of [publisher.client, admin]) prepare(client, settings)

  return {
    async publish(messages) {
      await told(publishInParts(messages, publisher.send, error => isError(error, 'MESSAGE_TOO_LARGE')))
    },
    subscribe: subscription => subscribe(settings, subscription),
    follow: following => follow(settings, following),
    async ensureTopics(topics) {
      const existing = new Set(await admin.listTopics())
      const missing = topics.filter(({ topic }) => !existing.has(topic))
      for (const topic of missing) await told(createTopic(admin, topic))
    },
    async ping() {
      await told(answeredInTime(admin.metadata({ topics: [], forceUpdate: true })))
    },
    async lag(groupId, topics) {
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
      // Each by itself, and anew: asked for several the client may say of another one that it is unknown.
      const askFor = async (name: string) =>
        (await admin.metadata({ topics: [name], forceUpdate: true })).topics.get(name)!
      const found = await Promise.all(topics.map(askFor))
      const at = (timestamp: bigint) =>
        admin.listOffsets({
          topics: found.map(({ partitions }, index) => ({
            name: topics[index]!,
            partitions: partitions.map((_, partitionIndex) => ({ partitionIndex, timestamp })),
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
      cutOff(publisher.client)
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
  await untilLeadersAnswer(
    async () => {
      // Another may have made it just now, with another number of partitions.
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
      const all = topics
        .get(topic)!
        .partitions.map((_, partitionIndex) => ({ partitionIndex, timestamp: -1n }))
      await admin.listOffsets({ topics: [{ name: topic, partitions: all }] })
    },
    () => admin.closed,
  )
}
