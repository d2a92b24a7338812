import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { listDeadLetters } from 'messaging/dead-letter-rows'
import { discard, redrive } from 'messaging/dead-letters'
import { openKafka } from 'messaging/platformatic-transport'
import { startRetention } from 'messaging/retention'
import pg from 'pg'
import { testBrokers, testDatabase, uniqueName } from 'scripts/test-infrastructure'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { officeOf, startDepot, startOffice } from './parcels.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const by = { who: 'ana', why: null }
const soon = { timeout: 20_000, interval: 20 }
const opened: (() => Promise<unknown>)[] = []
let depot: Awaited<ReturnType<typeof openDatabase>>
let office: Awaited<ReturnType<typeof openDatabase>>
beforeEach(async () => {
  depot = await openDatabase('parcels (parcel text primary key, place text)')
  office = await openDatabase(
    "arrivals (n bigint generated always as identity, parcel text, place text check (place <> 'nowhere'))",
  )
})
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

/** The engine's tables and one of its own. */
async function openDatabase(table: string) {
  const database = await testDatabase('messaging')
  const pool = new pg.Pool(database)
  pool.on('error', () => {})
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  await database.asOwner(`create table ${table}; grant all on ${table.split(' ')[0]} to public`)
  opened.push(async () => {
    await pool.end()
    await database.drop()
  })
  return { database, pool, db }
}

async function startAll() {
  const topic = uniqueName('parcel-scans')
  const transport = openKafka({ brokers: testBrokers(), clientId: 'parcels', log })
  opened.push(() => transport.close())
  await transport.ensureTopics([{ topic, partitions: 6, replication: 1, minInsyncReplicas: 1 }])
  const retention = await startRetention({ pool: depot.pool, log })
  const { scan, stop } = startDepot(depot.pool, depot.db, transport, topic, log)
  const consumer = startOffice(office.db, transport, topic, log)
  opened.push(
    () => retention.stop(),
    stop,
    () => consumer.stop(),
  )
  return { scan, desk: { db: office.db, definition: officeOf(topic), log } }
}
const register = (...parcels: string[]) =>
  sql`insert into parcels select unnest(${parcels}::text[])`.execute(depot.db)
const arrivals = async (parcel: string) =>
  (
    await sql<{ place: string }>`select place from arrivals where parcel = ${parcel} order by n`.execute(
      office.db,
    )
  ).rows.map(({ place }) => place)
const parked = async () => (await listDeadLetters(office.db)).filter(({ state }) => state === 'parked')

test('what is scanned in the depot arrives in the office: once each, in order per parcel', async () => {
  const { scan } = await startAll()
  const parcels = Array.from({ length: 30 }, (_, n) => `parcel ${n}`)
  await register(...parcels)
  const places = Array.from({ length: 8 }, (_, n) => `place ${n}`)
  await Promise.all(
    parcels.map(async parcel => {
      for (const place of places) await scan(parcel, place)
    }),
  )
  for (const parcel of parcels)
    await vi.waitFor(async () => expect(await arrivals(parcel)).toEqual(places), soon)
})

test('a scan that the office cannot take waits for a person, with those of its parcel, and then goes on in order', async () => {
  const { scan, desk } = await startAll()
  await register('odd', 'other')
  for (const place of ['a', 'nowhere', 'b', 'nowhere', 'c']) await scan('odd', place)
  await scan('other', 'a')
  await vi.waitFor(async () => expect(await arrivals('other')).toEqual(['a']), soon)
  await vi.waitFor(async () => expect(await listDeadLetters(office.db)).toHaveLength(4), soon)
  const [first] = await parked()
  expect(first).toMatchObject({ reason: expect.stringContaining('check'), source: { key: 'odd' } })
  expect(await redrive(desk, first!.id, by)).toMatchObject({ kind: 'failed' })
  expect(await discard(desk, first!.id, { who: 'ana', why: 'there is no such place' })).toMatchObject({
    kind: 'parked',
    handled: 1,
  })
  await office.database.asOwner('alter table arrivals drop constraint arrivals_place_check')
  const [second] = await parked()
  expect(await redrive(desk, second!.id, by)).toEqual({ kind: 'released', handled: 2 })
  expect(await arrivals('odd')).toEqual(['a', 'b', 'nowhere', 'c'])
})

test('the README begins with this example, and nothing else of the package can be imported', async () => {
  const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')
  const [readme, example] = await Promise.all([read('../README.md'), read('./parcels.ts')])
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(example)
  expect(example.trimEnd().split('\n').length).toBeLessThan(40)
  const { resolve } = createRequire(import.meta.url)
  expect(resolve('messaging/outbox')).toMatch(/outbox\.ts$/)
  expect(() => resolve('messaging/parking')).toThrow(/not defined by "exports"/)
})
