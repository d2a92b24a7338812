import { readdir, readFile } from 'node:fs/promises'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { openKafka } from 'messaging/platformatic-transport'
import { startRetention } from 'messaging/retention'
import pg from 'pg'
import { startDepot, startOffice } from './parcels.ts'

/**
 * A whole program round parcels.ts, with depot and office in one empty database:
 * `DATABASE_URL=… KAFKA_BROKERS=… TOPIC=… node main.ts place …` scans a parcel there and prints where it arrived.
 */
const { DATABASE_URL, KAFKA_BROKERS = '127.0.0.1:9092', TOPIC: topic = 'parcel-scans' } = process.env
const places = process.argv.slice(2)
const log = { debug() {}, info() {}, warn: console.warn, error: console.error }

const pool = new pg.Pool({ connectionString: DATABASE_URL })
pool.on('error', err => log.warn({ err }, 'an idle connection broke'))
pool.on('connect', client => client.on('error', () => {}))
const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })

const migrations = new URL('.', import.meta.resolve('messaging/migrations/0001-outbox.sql'))
for (const name of (await readdir(migrations)).sort())
  await pool.query(await readFile(new URL(name, migrations), 'utf8'))
await pool.query(
  "create table parcels (parcel text, place text); insert into parcels values ('a', 'nowhere')",
)
await pool.query('create table arrivals (n bigint generated always as identity, parcel text, place text)')
const retention = await startRetention({ pool, log })

const transport = openKafka({ brokers: KAFKA_BROKERS.split(','), clientId: 'parcels', log })
await transport.ensureTopics([{ topic, partitions: 6, replication: 1, minInsyncReplicas: 1 }])
const depot = startDepot(pool, db, transport, topic, log)
const office = startOffice(db, transport, topic, log)

for (const place of places) await depot.scan('a', place)
const arrived = async () =>
  (await sql<{ place: string }>`select place from arrivals order by n`.execute(db)).rows.map(
    ({ place }) => place,
  )
while ((await arrived()).length < places.length) await new Promise(resolve => setTimeout(resolve, 20))
console.log((await arrived()).join(' '))

await depot.stop()
await office.stop()
await transport.close()
await retention.stop()
await pool.end()
