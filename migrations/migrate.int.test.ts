import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { testDatabase } from 'scripts/test-infrastructure'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type DatabaseAddress,
  EditedMigrationError,
  type MigrationFile,
  migrate,
  migrateFolder,
} from './migrate.ts'

let database: Awaited<ReturnType<typeof testDatabase>>
let db: Kysely<unknown>
beforeEach(async () => {
  database = await testDatabase('messaging')
  db = open()
  await sql`drop schema public cascade`.execute(db)
  await sql`create schema public`.execute(db)
})
afterEach(async () => {
  await db.destroy()
  await database.drop()
})

const open = () => {
  const pool = new pg.Pool({ ...database.owner, max: 2 })
  pool.on('error', () => {})
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
}
const migrateOrders = (address: DatabaseAddress = database.owner) =>
  migrate(address, 'orders', { service: database.user, reader: database.reader.user })
const first = { name: '0001-first', text: 'create table first (id int)' }
const second = { name: '0002-second', text: 'insert into first values (2); create table second (id int)' }
const migrateFiles = (...files: MigrationFile[]) => migrateFolder(db, 'parcels', files)
const tables = async () => {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`.execute(
    db,
  )
  return rows.map(({ name }) => name).filter(name => !name.startsWith('parcels_'))
}

test('applies what is missing, in order, once, and says what', async () => {
  expect(await migrateFiles(first)).toEqual(['parcels/0001-first'])
  expect(await migrateFiles(second, first)).toEqual(['parcels/0002-second'])
  expect(await migrateFiles(first, second)).toEqual([])
  expect(await tables()).toEqual(['first', 'second'])
})

test('six instances at once, on an empty database: each file is applied by one of them', async () => {
  const instances = Array.from({ length: 6 }, open)
  const applied = await Promise.all(
    instances.map(instance => migrateFolder(instance, 'parcels', [first, second])),
  )
  await Promise.all(instances.map(instance => instance.destroy()))
  expect(applied.flat().toSorted()).toEqual(['parcels/0001-first', 'parcels/0002-second'])
  const { rows } = await sql`select * from first`.execute(db)
  expect(rows).toEqual([{ id: 2 }])
})

test('six instances at once with the real files of a service', async () => {
  const applied = await Promise.all(Array.from({ length: 6 }, () => migrateOrders()))
  const names = applied.flat()
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(
    expect.arrayContaining(['messaging/0001-outbox', 'messaging/0002-inbox', 'orders/0001-orders']),
  )
  expect(await migrateOrders()).toEqual([])
})

test('a file that was edited after it was applied is refused by name, and nothing is applied', async () => {
  await migrateFiles(first)
  const edited = { ...first, text: `${first.text}; create table more (id int)` }
  const refused = migrateFiles(edited, second)
  await expect(refused).rejects.toThrow(EditedMigrationError)
  await expect(refused).rejects.toThrow(/parcels\/0001-first\.sql was edited .* new migration/)
  await expect(migrateFiles(second)).rejects.toThrow(/parcels\/0001-first\.sql was removed/)
  expect(await tables()).toEqual(['first'])
})

test('a failing file leaves nothing of its folder half done, is named, and can be corrected', async () => {
  const failing = { name: '0003-third', text: 'create table third (id int); select 1 / 0' }
  await expect(migrateFiles(first, second, failing)).rejects.toThrow(
    /parcels\/0003-third\.sql failed, nothing of parcels\/ was applied: division by zero/,
  )
  expect(await tables()).toEqual([])
  const corrected = { ...failing, text: 'create table third (id int)' }
  expect(await migrateFiles(first, second, corrected)).toHaveLength(3)
})

test('a file that is slipped in before one that was applied is refused', async () => {
  await migrateFiles(second, { ...first, name: '0000-zero' })
  await expect(
    migrateFiles(second, { ...first, name: '0000-zero' }, { name: '0001-late', text: 'select 1' }),
  ).rejects.toThrow(/0001-late/)
})

test('a database that is away is an error with its address, not an end of the process', async () => {
  await expect(migrateOrders({ ...database.owner, port: 1 })).rejects.toThrow(/ECONNREFUSED/)
})
