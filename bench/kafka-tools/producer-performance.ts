import { runKafkaTool } from './kafka-tools.ts'

type Order = { brokers: string[]; topic: string; records: number; bytes: number }

/** Records a second of Kafka's own producer test, as fast as it can, acknowledged by all replicas. */
export async function producerPerformance({ brokers, topic, records, bytes }: Order): Promise<number> {
  const output = await runKafkaTool('org.apache.kafka.tools.ProducerPerformance', [
    '--topic',
    topic,
    '--num-records',
    String(records),
    '--record-size',
    String(bytes),
    '--throughput',
    '-1',
    '--command-property',
    `bootstrap.servers=${brokers.join(',')}`,
    'acks=all',
  ])
  const perSecond = /records sent, ([\d.]+) records\/sec[^\n]*99\.9th/.exec(output)?.[1]
  if (!perSecond) throw new Error(`Kafka's producer test named no rate: ${output}`)
  return Number(perSecond)
}
