import { setTimeout as sleep } from 'node:timers/promises'
import { armFailpoints } from 'messaging/failpoint'
import { migrate } from 'migrations/migrate'
import pg from 'pg'
import { type TestDatabase, testDatabase } from 'scripts/test-infrastructure'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ChildInstance } from './child-instance.ts'
import { migrationFailpoints } from './workloads.ts'

/** A migration that is hit is run again: nothing is left half done, and each file is applied once. */
let database: TestDatabase
let client: pg.Client
let whole: unknown
beforeAll(async () => {
  database = await testDatabase('orders')
  client = new pg.Client({ ...database.owner, application_name: 'observer' })
  await client.connect()
  whole = await describeSchema()
})
beforeEach(() => client.query('drop schema public cascade; create schema public'))
afterEach(() => armFailpoints())
afterAll(async () => {
  ChildInstance.killAll()
  await client?.end()
  await database?.drop()
})

async function describeSchema(): Promise<unknown> {
  const { rows } = await client.query(`
    select table_name, column_name, data_type from information_schema.columns
    where table_schema = 'public' order by 1, 2`)
  const files = await client.query(
    'select name from messaging_migration union select name from orders_migration',
  )
  const grants = await client.query(`
    select grantee, table_name, privilege_type from information_schema.table_privileges
    where table_schema = 'public' order by 1, 2, 3`)
  return { rows, files: files.rows.map(({ name }) => name).toSorted(), grants: grants.rows }
}

const grantees = () => ({ service: database.user, reader: database.reader.user })
const migrateOrders = () => migrate(database.owner, 'orders', grantees())

const cut = () =>
  client.query(`select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and application_name <> 'observer'`)
const faults: Record<string, () => Promise<unknown>> = {
  'an error': () => Promise.reject(new Error('a fault on purpose')),
  'every database connection cut': cut,
  'a wait while another instance migrates': () => sleep(300),
}

describe.each(Object.keys(faults))('%s', fault => {
  test.each(migrationFailpoints)('at %s', async failpoint => {
    let fired = false
    armFailpoints(async name => {
      if (name !== failpoint) return
      armFailpoints()
      fired = true
      await faults[fault]?.()
    })
    await Promise.allSettled([migrateOrders(), migrateOrders()])
    expect(fired).toBe(true)
    await migrateOrders()
    expect(await describeSchema()).toEqual(whole)
  })
})

describe.each(['SIGKILL', 'SIGSTOP'] as const)('%s', signal => {
  test.each(migrationFailpoints)('at %s', async failpoint => {
    const victim = new ChildInstance()
    const { reached } = await victim.arm(failpoint, signal)
    const order = victim
      .order({ kind: 'migrate', address: database.owner, set: 'orders', grantees: grantees() })
      .catch(() => undefined)
    await reached
    const heir = migrateOrders()
    if (signal === 'SIGSTOP') {
      // The heir waits for the lock of the one that is frozen.
      await sleep(300)
      victim.thaw()
    }
    await Promise.all([order, heir])
    expect(await describeSchema()).toEqual(whole)
    await victim.stop()
  })
})
