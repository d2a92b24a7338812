import { randomUUID } from 'node:crypto'
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs'

export type TopicMessage = { topic: string; partition: number; message: KafkaMessage }

const readMsMax = 60_000

/** All that stands in these topics now, each partition in order. Leaves nothing in the broker but a group without offsets. */
export async function readTopics(brokers: string[], topics: string[]): Promise<TopicMessage[]> {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  /** What is still to come: the offset after the last, by topic and partition. */
  const ends = new Map<string, bigint>()
  try {
    for (const topic of topics) {
      for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
        if (BigInt(high) > BigInt(low)) ends.set(`${topic} ${partition}`, BigInt(high))
      }
    }
  } finally {
    await admin.disconnect()
  }
  if (ends.size === 0) return []
  const read: TopicMessage[] = []
  const consumer = kafka.consumer({ groupId: `chaos-reader-${randomUUID()}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  try {
    await consumer.subscribe({ topics, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () =>
          reject(
            new Error(
              `the topics were not read within ${readMsMax / 1000} s; still to come: ${[...ends.keys()]}`,
            ),
          ),
        readMsMax,
      )
      const done = (place: string, offset: bigint) => {
        const end = ends.get(place)
        if (end !== undefined && offset + 1n >= end) ends.delete(place)
        if (ends.size > 0) return
        clearTimeout(late)
        resolve()
      }
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch: { topic, partition, messages } }) => {
            for (const message of messages) read.push({ topic, partition, message })
            const last = messages.at(-1)
            if (last) done(`${topic} ${partition}`, BigInt(last.offset))
          },
        })
        .catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  // A rebalance may have brought some twice.
  const seen = new Set<string>()
  return read.filter(({ topic, partition, message }) => {
    const place = `${topic} ${partition} ${message.offset}`
    return !seen.has(place) && seen.add(place)
  })
}
