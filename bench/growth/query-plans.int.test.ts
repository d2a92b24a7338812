import { openKafka } from 'messaging/platformatic-transport'
import type pg from 'pg'
import { testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Relay } from '../../messaging/src/relay-rounds.ts'
import * as orders from '../../orders-service/src/test-service.ts'
import * as payments from '../../payments-service/src/test-service.ts'
import { quiet } from '../engine/quiet.ts'
import { openAccounts } from '../shop/shop.ts'
import { fillShop, orderIdOf } from './fill-shop.ts'

/** Plans as PostgreSQL really ran them, by its own count of the rows that each scan read. */
const rowsCount = 100_000
const users = 1_000
/** One who has cancelled orders. */
const user = 501
/** A page of 200, and what is read beside it. */
const rowsReadMax = 1_000

let ordersService: orders.TestService
let paymentsService: payments.TestService
const topic = uniqueName('plans')

beforeAll(async () => {
  ;[ordersService, paymentsService] = await Promise.all([
    orders.openTestService(),
    payments.openTestService(),
  ])
  // Few sessions, all of which are told to report their counts at once.
  for (const { pool } of [ordersService, paymentsService]) pool.options.max = 1
  const databases = { orders: ordersService.address.owner, payments: paymentsService.address.owner }
  await openAccounts(databases.payments, 1, 20 * users)
  await fillShop(databases, 1, rowsCount, users)
  for (const { pool, address } of [ordersService, paymentsService]) {
    await pool.query(
      `insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
       select 'order', uuidv7(), 'OrderPlaced', $1, n % 1000, '{}' from generate_series(1, ${rowsCount}) n`,
      [topic],
    )
    await pool.query(
      `insert into idempotency_keys (operation, key, request_hash, response)
       select 'POST /orders', 'key-' || n, '', '{}' from generate_series(1, ${rowsCount}) n`,
    )
    await pool.query('insert into relay_cursor (name, published_to) values ($1, pg_current_snapshot())', [
      'outbox',
    ])
    // Vacuum, too: left to autovacuum, the summaries of BRIN indexes are made in the middle of a test, and count as scans.
    await address.asOwner('vacuum analyze')
  }
}, 120_000)
afterAll(() => Promise.all([ordersService?.close(), paymentsService?.close()]))

describe.each([
  [
    'orders-service',
    () => ordersService,
    [
      '/orders',
      '/orders?limit=200',
      '/orders?status=NEW',
      '/orders?status=FINISHED',
      '/orders?status=CANCELLED',
      `/orders?user_id=${user}`,
      `/orders/user/${user}`,
      `/orders/user/${user}?cursor=${Buffer.from(orderIdOf(rowsCount / 2)).toString('base64url')}`,
      `/orders?cursor=${Buffer.from(orderIdOf(rowsCount / 2)).toString('base64url')}`,
      `/orders?user_id=${user}&status=CANCELLED`,
      `/orders/${orderIdOf(rowsCount / 2)}`,
      `/orders/${orderIdOf(rowsCount / 2)}/timeline`,
    ],
  ],
  [
    'payments-service',
    () => paymentsService,
    [
      '/users',
      '/users?limit=200',
      `/users/${user}`,
      `/users/${user}/ledger`,
      `/payments/order/${orderIdOf(rowsCount / 2)}/timeline`,
    ],
  ],
] as const)('%s, with 100,000 rows in every table', (_, service, calls) => {
  test.each([...calls])('GET %s scans no table and reads no more than it needs', async url => {
    const { pool, app } = service()
    const read = await readsOf(pool, async () => {
      const answer = await app.inject(url)
      expect([answer.statusCode, answer.body.length > 2 || url.includes('NEW')]).toEqual([200, true])
    })
    expectFew(read)
  })

  test('the relay finds what was appended behind what is published', async () => {
    const { pool } = service()
    // The relay keeps a session of its own beside those of its statements.
    pool.options.max = 2
    const transport = openKafka({ brokers: testBrokers(), clientId: 'plans', log: quiet })
    await transport.ensureTopics([{ topic, partitions: 1, replication: 1, minInsyncReplicas: 1 }])
    const relay = new Relay({ pool, transport, source: '/plans', log: quiet })
    await pool.query(
      `insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
       select 'order', uuidv7(), 'OrderPlaced', $1, n, '{}' from generate_series(1, 100) n`,
      [topic],
    )
    const read = await readsOf(pool, async () => {
      expect(await relay.relayOnce()).toMatchObject({ kind: 'published', rows: 100 })
      await relay.release()
    })
    await transport.close()
    expectFew(read)
    pool.options.max = 1
  })
})

test('placing, with a key and without, reads little', async () => {
  expectFew(
    await readsOf(ordersService.pool, async () => {
      expect((await ordersService.post({ user_id: user, amount: 1 })).statusCode).toBe(201)
      const keyed = await ordersService.post(
        { user_id: user, amount: 1 },
        { 'idempotency-key': uniqueName('key') },
      )
      expect(keyed.statusCode).toBe(201)
    }),
  )
})

test('settling reads the orders it settles', async () => {
  const order = await ordersService.place()
  expectFew(
    await readsOf(ordersService.pool, () =>
      orders.handleResults(ordersService.db, [orders.resultMessage(order, { status: 'SUCCESS' })]),
    ),
  )
  expect((await ordersService.findOrder(order.id)).status).toBe('FINISHED')
})

test('paying reads the accounts and payments of its tasks', async () => {
  const tasks = Array.from({ length: 100 }, (_, n) => payments.taskMessage({ user_id: 1 + n, amount: 1 }))
  expectFew(await readsOf(paymentsService.pool, () => payments.handleTasks(paymentsService.db, tasks)))
})

test('a scan is noticed', async () => {
  const read = await readsOf(ordersService.pool, () =>
    ordersService.pool.query("select count(*) from orders where description = 'none'"),
  )
  expect(() => expectFew(read)).toThrow('orders')
})

type Reads = { table: string; scans: number; rows: number }[]

async function readsOf(pool: pg.Pool, act: () => Promise<unknown>): Promise<Reads> {
  const before = await counts(pool)
  await act()
  const after = await counts(pool)
  return [...after].map(([table, now]) => {
    const then = before.get(table)!
    return { table, scans: now.scans - then.scans, rows: now.rows - then.rows }
  })
}

async function counts(pool: pg.Pool): Promise<Map<string, { scans: number; rows: number }>> {
  const clients = await Promise.all(Array.from({ length: pool.options.max }, () => pool.connect()))
  for (const client of clients) await client.query('select pg_stat_force_next_flush()')
  for (const client of clients) client.release()
  const { rows } = await pool.query<{ table: string; scans: number; rows: number }>(
    `select relname as table, t.seq_scan::float8 as scans,
       (t.seq_tup_read + coalesce((select sum(idx_tup_read) from pg_stat_user_indexes i where i.relid = t.relid), 0))::float8 as rows
     from pg_stat_user_tables t where n_live_tup >= ${rowsCount / 20}`,
  )
  expect(rows.length).toBeGreaterThanOrEqual(4)
  return new Map(rows.map(row => [row.table, row]))
}

function expectFew(reads: Reads): void {
  expect(reads.filter(({ scans, rows }) => scans > 0 || rows > rowsReadMax)).toEqual([])
}
