import { randomBytes } from 'node:crypto'
import { openKafka } from 'messaging/platformatic-transport'
import pg from 'pg'
import { rate } from '../harness/results.ts'
import type { Bench } from '../harness/section.ts'
import { startWorker } from '../harness/worker.ts'
import type { InboxQuestions } from './inbox-process.ts'
import { quiet } from './quiet.ts'
import { keyOf, partitions, payloadOf } from './relay-under-test.ts'

const produceAtOnce = 2_000

/** Messages through the inbox to a handler that does nothing, some of them handled before. */
export async function measureInbox(bench: Bench): Promise<void> {
  const count = bench.choose({ quick: 20_000, usual: 100_000 })
  const { brokers } = bench.servers.kafka
  const database = await bench.servers.database('messaging')
  const topic = `bench-inbox-${randomBytes(4).toString('hex')}`
  await produce(brokers, topic, count)
  const worker = await startWorker<InboxQuestions>(new URL('./inbox-process.ts', import.meta.url))
  const shares = [
    { name: 'all new', known: 'false' },
    { name: 'half of them known', known: 'n % 2 = 0' },
    { name: 'all known', known: 'true' },
  ]
  try {
    await bench.measure(
      ...shares.map(({ name, known }) => ({
        name: `inbox, ${name}`,
        figures: { handled: rate('messages/s') },
        async once() {
          // A name of its own is a group of its own, which begins at the start of the topic.
          const consumer = `bench-${randomBytes(4).toString('hex')}`
          const client = new pg.Client(database.address.owner)
          await client.connect()
          await client.query(
            `insert into inbox (consumer, event_id, topic, "partition", "offset", published_at)
             select $1, 'event-' || n, 'earlier', 0, n, now() from generate_series(0, $2::int - 1) n where ${known}`,
            [consumer, count],
          )
          await client.query('analyze inbox')
          await client.end()
          const consumption = { database: database.address, brokers, topic, name: consumer, count }
          return { handled: await worker.ask('consume', consumption) }
        },
      })),
    )
  } finally {
    await worker.stop()
    await database.drop()
  }
}

async function produce(brokers: string[], topic: string, count: number): Promise<void> {
  const transport = openKafka({ brokers, clientId: 'bench', log: quiet })
  await transport.ensureTopics([{ topic, partitions, replication: 1, minInsyncReplicas: 1 }])
  for (let first = 0; first < count; first += produceAtOnce) {
    await transport.publish(
      Array.from({ length: Math.min(produceAtOnce, count - first) }, (_, index) => ({
        topic,
        key: keyOf(first + index),
        value: payloadOf(first + index),
        headers: { ce_id: `event-${first + index}` },
      })),
    )
  }
  await transport.close()
}
