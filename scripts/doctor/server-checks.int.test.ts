import { startPrivatePostgres } from 'scripts/test-infrastructure'
import type { TestPostgres } from 'scripts/testing/servers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkSlots } from './checks/slots.ts'
import { checkTransactions } from './checks/transactions.ts'
import { type Database, openDatabaseOf } from './installation.ts'

/** What is of a whole server, so on one of their own: a slot would hold the WAL of every other test. */
let postgres: TestPostgres
let database: Database
beforeAll(async () => {
  postgres = await startPrivatePostgres()
  database = openDatabaseOf('orders', { ...postgres.address, database: 'postgres' })
  await run('alter system set max_prepared_transactions = 2')
  await postgres.stop()
  await postgres.start()
})
afterAll(async () => {
  await database?.pool.end()
  await postgres?.remove()
})

const run = (text: string) => database.pool.query(text)
const writeSegments = async (count: number) => {
  for (let segment = 0; segment < count; segment++) {
    await run(`select pg_logical_emit_message(true, 'doctor', 'x')`)
    await run('select pg_switch_wal()')
  }
}

test('a slot whose reader is gone is told of by what it holds, and again when it has lost its place', async () => {
  expect(await checkSlots(database)).toEqual([])
  await run(`select pg_create_physical_replication_slot('standby_gone', true)`)
  expect(await checkSlots(database)).toEqual([])
  await writeSegments(5)
  expect(await checkSlots(database)).toMatchObject([
    { level: 'advice', what: expect.stringMatching(/standby_gone holds \d+ MiB of WAL, and nobody reads/) },
  ])
  await run(`alter system set max_slot_wal_keep_size = '16MB'`)
  await run('select pg_reload_conf()')
  await writeSegments(2)
  await run('checkpoint')
  expect(await checkSlots(database)).toMatchObject([
    { level: 'fault', what: expect.stringMatching(/standby_gone is lost/) },
  ])
})

test('a transaction that was prepared and left has no connection, and is told of all the same', async () => {
  const client = await database.pool.connect()
  await client.query(`begin`)
  await client.query(`create table prepared_by_test ()`)
  await client.query(`prepare transaction 'left behind'`)
  client.release()
  expect(await checkTransactions(database, { adviceMs: 0, faultMs: 60_000 })).toMatchObject([
    {
      what: expect.stringContaining(`prepared transaction 'left behind'`),
      next: expect.stringContaining(`rollback prepared 'left behind'`),
    },
  ])
  await run(`rollback prepared 'left behind'`)
})
