import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import { openKafka } from 'messaging/platformatic-transport'
import { startRelay } from 'messaging/relay'
import type { IncomingMessage, OutgoingMessage, Transport } from 'messaging/transport'
import type { OrdersDatabase } from 'orders-service/database'
import { placeOrders } from 'orders-service/orders/place-orders'
import { countAll, handleTasks, openTestService, silent } from 'payments-service/test-service'
import pg from 'pg'
import type { Daemon } from 'scripts/infrastructure/daemon'
import { findKafkaRuntime } from 'scripts/infrastructure/kafka-runtime'
import { kafkaLibraryFolder } from 'scripts/system/settings'
import { startPrivatePostgres, testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { createDatabase, prepareServer } from 'scripts/testing/databases'
import type { TestPostgres } from 'scripts/testing/servers'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectStandalone, documentedConnector } from './connect.ts'

/** Others test on the same broker: topics that begin so are ours. */
const prefix = uniqueName('debezium')
const tasks = `${prefix}.order_payment_tasks`
const others = `${prefix}.others`
const soon = { timeout: 120_000, interval: 50 }
const opened: (() => Promise<unknown>)[] = []
const told: IncomingMessage[] = []
let postgres: TestPostgres
let pool: pg.Pool
let transport: Transport
let connect: Daemon

/** Connect runs from its jars: where there is only Docker, these are skipped, and seen to be. */
const { kind } = await findKafkaRuntime(kafkaLibraryFolder, line => console.error(line))
const onJava = test.skipIf(kind === 'docker')

/** What docs/debezium.md says, done: the database first, then a connector that is not started yet. */
beforeAll(async () => {
  if (kind === 'docker') return
  postgres = await startPrivatePostgres()
  opened.push(() => postgres.remove())
  await asSuperuser('postgres', "alter system set wal_level = 'logical'")
  await postgres.stop()
  await postgres.start()
  const address = await createDatabase(await prepareServer(postgres.address), 'orders')
  await asSuperuser('postgres', `alter database ${address.database} rename to orders`)
  const page = await readFile(new URL('../../../docs/debezium.md', import.meta.url), 'utf8')
  for (const [, statements] of page.matchAll(/```sql\n(.*?)```/gs)) {
    await asSuperuser('orders', ...statements!.replace("'…'", "'secret'").split(';\n'))
  }
  pool = new pg.Pool({ ...address.owner, database: 'orders' })
  pool.on('error', () => {})
  opened.push(() => pool.end())

  transport = openKafka({ brokers: testBrokers(), clientId: 'debezium-test', log: silent })
  opened.push(() => transport.close())
  await transport.ensureTopics(
    [tasks, others].map(topic => ({ topic, partitions: 6, replication: 1, minInsyncReplicas: 1 })),
  )
  const reader = await transport.subscribe({
    groupId: uniqueName('reader'),
    topics: [tasks, others],
    batchSizeMax: 1_000,
    offsetCommitIntervalMs: 1_000,
    onBatch: async messages => void told.push(...messages),
  })
  opened.push(() => reader.close())
  const folder = join(tmpdir(), prefix)
  ;({ daemon: connect } = await connectStandalone({
    folder,
    brokers: testBrokers(),
    connector: {
      ...documentedConnector(),
      'database.hostname': postgres.address.host,
      'database.port': String(postgres.address.port),
      'transforms.outbox.route.topic.replacement': `${prefix}.\${routedByValue}`,
      'heartbeat.interval.ms': '500',
    },
  }))
  opened.push(
    () => rm(folder, { recursive: true, force: true }),
    () => connect.kill(),
  )
}, 240_000)
afterAll(async () => {
  for (const close of opened.reverse()) await close()
})

async function asSuperuser(database: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ ...postgres.address, database })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

async function place(users: number[], traceparent?: string): Promise<void> {
  const db = new Kysely<OrdersDatabase>({ dialect: new PostgresDialect({ pool }) })
  const requests = users.map(userId => ({
    command: { userId, amountMinor: 150n, description: 'Bücher, "zwei"' },
    idempotency: undefined,
    traceparent,
  }))
  await placeOrders(db, requests, { now: new Date(), newId: uuidv7 })
}

/** Published by our relay, to our topics. */
async function relayAll(): Promise<void> {
  const publish = (messages: OutgoingMessage[]) =>
    transport.publish(messages.map(message => ({ ...message, topic: `${prefix}.${message.topic}` })))
  const relay = startRelay({ pool, transport: { publish }, source: '/orders-service', log: silent })
  const { rows } = await pool.query<{ events: number }>('select count(*)::int as events from outbox')
  await expect.poll(() => relay.publishedRows, soon).toBe(rows[0]!.events)
  await relay.stop()
}

/** The same time, which both write in RFC 3339, to the microsecond or as far as it goes. Without a key any partition is right. */
const comparable = ({ topic, partition, key, value, headers }: IncomingMessage) => ({
  ...{ topic, key, value: String(value), partition: key === null ? 'any' : partition },
  headers: {
    ...headers,
    ce_time: headers.ce_time?.replace(/(\.\d*?)0*(Z|\+00:00)$/, '$1').replace(/\.$|Z$|\+00:00$/, ''),
  },
})
const byId = (messages: IncomingMessage[]) =>
  messages.toSorted((a, b) => (a.headers.ce_id! < b.headers.ce_id! ? -1 : 1)).map(comparable)

onJava(
  'Debezium tells what the relay tells: topic, partition, key, headers, bytes; payments pays each order once',
  async () => {
    const payments = await openTestService()
    opened.push(() => payments.close())
    const users = await Promise.all(Array.from({ length: 8 }, () => payments.newUser(10_000n)))
    await place([...users, ...users], '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
    for (const user of users) await place([user])
    // No key, spaces that a parser would lose, and a day that has no partition of its own.
    await pool.query(
      `insert into outbox (aggregate_type, aggregate_id, event_type, topic, payload, created_at)
     values ('parcel', 'ä', 'Odd', 'others', '{"b": 1.10,  "a" :null}', '2020-01-01'), ('parcel', 'ä', 'Odd', 'others', '[]', now())`,
    )
    const events = users.length * 3 + 2
    await relayAll()
    await expect.poll(() => told.length, soon).toBe(events)
    const relayed = told.splice(0)

    await connect.start()
    await expect.poll(() => told.length, soon).toBe(events)
    expect(byId(told)).toEqual(byId(relayed))
    expect(relayed.filter(({ headers }) => headers.traceparent)).toHaveLength(users.length * 2)

    const toPay = [...relayed, ...told].filter(({ topic }) => topic === tasks)
    await handleTasks(payments.db, toPay)
    const orders = users.length * 3
    expect(await countAll(payments.db)).toEqual({
      ...{ inbox: orders, payments: orders, debits: orders, results: orders, dead_letters: 0 },
    })
  },
  240_000,
)

onJava(
  'a quiet outbox beside a busy table does not let the slot hold back WAL',
  async () => {
    await pool.query('create table busy as select generate_series(1, 50000) as n')
    const { rows } = await pool.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn')
    const isConfirmed = async () =>
      (await pool.query('select confirmed_flush_lsn > $1 as it from pg_replication_slots', [rows[0]!.lsn]))
        .rows[0].it
    await expect.poll(isConfirmed, soon).toBe(true)
  },
  240_000,
)

onJava(
  'what is appended while Connect is dead comes once it is back, even where the table has lost it',
  async () => {
    told.splice(0)
    await connect.kill()
    await pool.query('truncate outbox')
    await place([1, 2, 3])
    const { rows } = await pool.query<{ id: string }>('select aggregate_id as id from outbox')
    await pool.query('truncate outbox')
    await connect.start()
    const missing = () => rows.filter(({ id }) => !told.some(({ headers }) => headers.ce_subject === id))
    await expect.poll(missing, soon).toEqual([])
    expect(rows).toHaveLength(3)
  },
  240_000,
)
