import { Kafka, logLevel } from 'kafkajs'
import { rate } from '../harness/results.ts'
import type { Bench, Section } from '../harness/section.ts'
import { startWorker } from '../harness/worker.ts'
import { producerPerformance } from '../kafka-tools/producer-performance.ts'
import type { LoadQuestions } from '../load/load-process.ts'
import type { BareServerQuestions } from './bare-server-process.ts'
import { openInserts } from './insert-orders.ts'

export const limits: Section = {
  name: 'limits',
  about: 'What PostgreSQL, Kafka and an HTTP server do on this machine when they do nothing else.',
  async run(bench) {
    await measureInserts(bench)
    await measureHttp(bench)
    await measureProducer(bench)
  },
}

async function measureInserts(bench: Bench): Promise<void> {
  const inserts = await openInserts(bench)
  await bench.measure(...[1, 32].map(clients => inserts.scenario(clients)))
  await inserts.close()
}

async function measureHttp(bench: Bench): Promise<void> {
  const server = await startWorker<BareServerQuestions>(new URL('./bare-server-process.ts', import.meta.url))
  const load = await startWorker<LoadQuestions>(new URL('../load/load-process.ts', import.meta.url))
  const url = await server.ask('listen')
  const seconds = bench.choose({ quick: 2, usual: 5 })
  await bench.measure(
    ...[1, 128].map(connections => ({
      name: `Fastify without a database, ${connections} connections`,
      figures: { rate: rate('requests/s') },
      async once() {
        const { accepted } = await load.ask('closedLoop', { urls: [url], connections, seconds, users: 1_000 })
        return { rate: accepted / seconds }
      },
    })),
  )
  await load.stop()
  await server.stop()
}

async function measureProducer(bench: Bench): Promise<void> {
  const { brokers } = bench.servers.kafka
  const topic = 'bench-producer'
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 6 }] })
  await admin.disconnect()
  const records = bench.choose({ quick: 200_000, usual: 1_000_000 })
  await bench.measure({
    name: "Kafka's own producer test, 120 bytes, acks=all",
    figures: { rate: rate('records/s') },
    once: async () => ({ rate: await producerPerformance({ brokers, topic, records, bytes: 120 }) }),
  })
}
