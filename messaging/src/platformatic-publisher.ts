import { setTimeout as sleep } from 'node:timers/promises'
import { createAPI, findErrorBy, ProduceAcks, Producer, produceV9, Writer } from '@platformatic/kafka'
import { type Backoff, backoffMs } from './backoff.ts'
import type { KafkaSettings } from './kafka-settings.ts'
import { baseOptions } from './platformatic-client.ts'
import { encodeRecordBatch, partitionOf } from './record-batch.ts'
import type { OutgoingMessage } from './transport.ts'

/** How long a broker waits for its replicas. */
const ackMsMax = 10_000
/** What fails later than this is told instead of tried again. */
const attemptsMs = 5_000
const again: Backoff = { firstMs: 200, maxMs: 3_000 }

/** Messages of one partition. */
type Batch = { topic: string; partition: number; records: Buffer }
const nameOf = ({ topic, partition }: Batch) => `partition ${partition} of ${topic}`

/**
 * Its connections and its metadata are the client's; what is sent is encoded here, since the client takes three times as
 * long for it.
 */
export function openPublisher(settings: KafkaSettings) {
  const client = new Producer(baseOptions(settings))
  let withoutKey = 0

  /** Not more than the broker takes of a partition at once. */
  async function send(messages: OutgoingMessage[]): Promise<void> {
    const topics = [...new Set(messages.map(({ topic }) => topic))]
    const beganAt = performance.now()
    let batches: Set<Batch> | undefined
    for (let attempt = 0; ; attempt++) {
      try {
        const metadata = await client.metadata({ topics, forceUpdate: attempt > 0 })
        batches ??= new Set(batchesOf(messages, topic => metadata.topics.get(topic)!.partitionsCount))
        const left = batches
        const byLeader = Map.groupBy(left, ({ topic, partition }) =>
          metadata.brokers.get(metadata.topics.get(topic)!.partitions[partition]!.leader),
        )
        const sent = [...byLeader].map(async ([leader, led]) => {
          if (!leader) throw new Error(`No broker leads ${led.map(nameOf).join(', ')}`)
          const connection = await client.connections.get(leader)
          await produce(connection, led)
          for (const batch of led) left.delete(batch)
        })
        await Promise.allSettled(sent)
        await Promise.all(sent)
        return
      } catch (error) {
        if (performance.now() - beganAt > attemptsMs || findErrorBy(error as Error, 'canRetry', false))
          throw error
        await sleep(backoffMs(again, attempt, Math.random()))
      }
    }
  }

  function batchesOf(messages: OutgoingMessage[], partitionsOf: (topic: string) => number): Batch[] {
    const now = Date.now()
    return [...Map.groupBy(messages, ({ topic }) => topic)].flatMap(([topic, of]) => {
      const partitions = partitionsOf(topic)
      const byPartition = Map.groupBy(of, ({ key }) =>
        key === null ? withoutKey++ % partitions : partitionOf(key, partitions),
      )
      return [...byPartition].map(([partition, messages]) => ({
        topic,
        partition,
        records: encodeRecordBatch(messages, now),
      }))
    })
  }

  return { client, send }
}

/** Version 9, as of Kafka 2.4. */
const produce = createAPI<[Batch[]], unknown>(
  produceV9.api.key,
  produceV9.api.version,
  (batches: Batch[]) =>
    Writer.create()
      .appendString(null) // of no transaction
      .appendInt16(ProduceAcks.ALL)
      .appendInt32(ackMsMax)
      .appendArray([...Map.groupBy(batches, ({ topic }) => topic)], (writer, [topic, of]) =>
        writer.appendString(topic).appendArray(of, (writer, { partition, records }) =>
          writer
            .appendInt32(partition)
            .appendUnsignedVarInt(records.length + 1)
            .append(records),
        ),
      )
      .appendTaggedFields(),
  produceV9.parseResponse,
).async
