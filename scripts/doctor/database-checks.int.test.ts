import { retainOnce } from 'messaging/retention'
import { testDatabase } from 'scripts/test-infrastructure'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkDeadLetters } from './checks/dead-letters.ts'
import { checkMigrations } from './checks/migrations.ts'
import { checkPartitions } from './checks/partitions.ts'
import { checkPooler } from './checks/pooler.ts'
import { checkReach } from './checks/reach.ts'
import { checkRelay } from './checks/relay.ts'
import { checkStatistics } from './checks/statistics.ts'
import { checkTransactions } from './checks/transactions.ts'
import { type Database, openDatabaseOf } from './installation.ts'
import { startTransactionPooler } from './pooler-fixture.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
let address: Awaited<ReturnType<typeof testDatabase>>
let database: Database
beforeEach(async () => {
  address = await testDatabase('orders')
  database = openDatabaseOf('orders', address)
})
afterEach(async () => {
  await database.pool.end()
  await address.drop()
})

const run = (text: string, values?: unknown[]) => address.asOwner<Record<string, string>>(text, values)
const is = (level: string, what: RegExp) =>
  expect.objectContaining({ level, what: expect.stringMatching(what) })

describe('reach', () => {
  test('a database that answers is well; a wrong password and a closed port are named', async () => {
    expect(await checkReach(database)).toEqual([])
    for (const [wrong, reason] of [
      [{ password: 'guessed' }, /password authentication failed/],
      [{ port: 1 }, /ECONNREFUSED/],
    ] as const) {
      const other = openDatabaseOf('orders', { ...address, ...wrong })
      expect(await checkReach(other)).toEqual([is('fault', reason)])
      await other.pool.end()
    }
  })
})

describe('migrations', () => {
  test('all applied is well; what the code has and the database has not is pending', async () => {
    expect(await checkMigrations(database)).toEqual([])
    expect(await checkMigrations({ ...database, name: 'payments' })).toEqual([
      is('fault', /migrations .*payments\/0001-payments, payments\/0002-one-debit-per-order/),
    ])
  })

  test('an edited file is a fault, a newer database is not', async () => {
    await run(`update orders_migration_checksum set sha256 = 'other' where name = '0001-orders'`)
    await run(`insert into messaging_migration_checksum values ('9999-later', '')`)
    expect(await checkMigrations(database)).toEqual([
      is('fault', /edited.*orders\/0001-orders\.$/),
      is('advice', /messaging\/9999-later/),
    ])
  })
})

describe('pooler', () => {
  test('a connection of its own hears its notifications and keeps its statements', async () => {
    expect(await checkPooler(database)).toEqual([])
  })

  test('a pooler in transaction mode is seen by both', async () => {
    const pooler = await startTransactionPooler(address)
    const pooled = openDatabaseOf('orders', pooler.address)
    try {
      expect(await checkReach(pooled)).toEqual([])
      expect(await checkPooler(pooled)).toEqual([
        is('fault', /prepared statement is gone/),
        is('advice', /NOTIFY does not reach/),
      ])
    } finally {
      await pooled.pool.end()
      await pooler.close()
    }
  })
})

test('an open transaction is told of once it is long, with whose it is and how to end it', async () => {
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    const { rows } = await client.query('select pg_backend_pid() as pid')
    expect(await checkTransactions(database)).toEqual([])
    const [found] = await checkTransactions(database, { adviceMs: 0, faultMs: 60_000 })
    expect(found).toEqual(is('advice', /pid \d+ \(\w+, doctor\).*idle in transaction: select pg_backend_pid/))
    expect(found?.next).toContain(`select pg_terminate_backend(${rows[0].pid})`)
    expect(await checkTransactions(database, { adviceMs: 0, faultMs: 0 })).toEqual([
      is('fault', /1 transaction /),
    ])
  } finally {
    await client.query('rollback')
    client.release()
  }
})

describe('partitions', () => {
  test('what retention makes is enough; a day that is missing is named', async () => {
    await retainOnce({ pool: database.pool, log })
    expect(await checkPartitions(database)).toEqual([])
    const { rows } = await run(
      `select to_char(now() at time zone 'utc' + interval '1 day', 'YYYYMMDD') as day`,
    )
    await run(`drop table outbox_${rows[0]?.day}`)
    expect(await checkPartitions(database)).toEqual([
      is('fault', new RegExp(`1 partition .*outbox_${rows[0]?.day}`)),
    ])
  })

  test('events in the default partition are told of', async () => {
    await retainOnce({ pool: database.pool, log })
    await append('40 days')
    expect(await checkPartitions(database)).toEqual([is('advice', /outbox_default holds events/)])
  })
})

const append = (ago: string) =>
  run(
    `insert into outbox (aggregate_type, aggregate_id, event_type, topic, payload, created_at)
     values ('order', '1', 'OrderPlaced', 'order_payment_tasks', '{}', now() - $1::interval)`,
    [ago],
  )

test('a large table that was never analysed is told of, until it is', async () => {
  await run('alter table inbox set (autovacuum_enabled = false)')
  await run(
    `insert into inbox (consumer, event_id, topic, "partition", "offset", published_at)
     select 'orders.settle', 'e' || n, 'payment_status_updates', 0, n, now() from generate_series(1, 20000) as n`,
  )
  await run('select pg_stat_force_next_flush()')
  expect(await checkStatistics(database)).toEqual([is('advice', /inbox \(20000 rows, never analysed\)/)])
  await run('analyze inbox')
  expect(await checkStatistics(database)).toEqual([])
})

describe('relay', () => {
  const look = () => checkRelay(database, { restartMsMax: 0 })
  const cursor = (name: string, owner: string | null, left: string) =>
    run(
      `insert into relay_cursor (name, published_to, owner, lease_until)
       values ($1, pg_current_snapshot(), $2, now() + $3::interval)
       on conflict (name) do update set owner = excluded.owner, lease_until = excluded.lease_until`,
      [name, owner, left],
    )

  test('an owner whose lease runs is well; one that ran out moments ago is about to be replaced', async () => {
    await cursor('outbox', 'host/1', '5 seconds')
    expect(await look()).toEqual([])
    await cursor('outbox', 'host/1', '-5 seconds')
    expect(await look()).toEqual([])
  })

  test('an owner that is gone, that let go, and that never was', async () => {
    expect(await look()).toEqual([is('fault', /No relay has ever/)])
    await cursor('outbox', 'host/1', '-3 minutes')
    expect(await look()).toEqual([is('fault', /lease of host\/1 ran out 3 minutes ago/)])
    await cursor('outbox', null, '-infinity')
    expect(await look()).toEqual([is('fault', /let go of it/)])
  })

  test('a cursor that nobody runs any more holds up retention', async () => {
    await cursor('outbox', 'host/1', '5 seconds')
    await cursor('warehouse', 'host/2', '-2 days')
    expect(await look()).toEqual([is('advice', /"warehouse".*host\/2 ran out 2 days ago/)])
  })

  test('events that nobody has published for long are counted', async () => {
    await cursor('outbox', 'host/1', '5 seconds')
    await append('10 seconds')
    expect(await look()).toEqual([])
    await append('90 seconds')
    expect(await look()).toEqual([is('fault', /2 events wait .*1 minute/)])
  })
})

test('parked messages are told of', async () => {
  expect(await checkDeadLetters(database)).toEqual([])
  await run(
    `insert into dead_letters (consumer, event_id, topic, "partition", "offset", headers, published_at, state)
     values ('orders.settle', 'e1', 'payment_status_updates', 0, 1, '{}', now(), 'parked'),
            ('orders.settle', 'e2', 'payment_status_updates', 0, 2, '{}', now(), 'waiting')`,
  )
  expect(await checkDeadLetters(database)).toEqual([is('advice', /1 message parked, 1 waiting behind/)])
})
