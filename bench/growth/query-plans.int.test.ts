import { openPool } from 'edge/postgres'
import { openKafka } from 'messaging/platformatic-transport'
import type { Transport } from 'messaging/transport'
import pg from 'pg'
import { testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Relay } from '../../messaging/src/relay-rounds.ts'
import * as orders from '../../orders-service/src/test-service.ts'
import * as payments from '../../payments-service/src/test-service.ts'
import { quiet } from '../engine/quiet.ts'
import { openAccounts } from '../shop/shop.ts'
import { fillShop, orderIdOf, vacuum } from './fill-shop.ts'

/** Plans as PostgreSQL really ran them, by its own count of the rows that each scan read. */
const rowsCount = 100_000
const users = 1_000
/** One who has cancelled orders. */
const user = 501
/** A page of 200, and what is read beside it. */
const rowsReadMax = 1_000
/** Left to itself, PostgreSQL plans a prepared statement for each of its first five runs, and then once for all. */
const runsUntilPlanned = 7
/** Each may be in a page of its own, to be read from the disk. */
const sampledRowsMax = 3_000

const ordersCalls = [
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
]
const paymentsCalls = [
  '/users',
  '/users?limit=200',
  `/users/${user}`,
  `/users/${user}/ledger`,
  `/payments/order/${orderIdOf(rowsCount / 2)}/timeline`,
]

let ordersService: orders.TestService
let paymentsService: payments.TestService
/** Of their own for the relays, which keep a session each. */
let relayPools: pg.Pool[]
let transport: Transport
let topic: string

describe.each([
  { tables: 'that were analysed', isPlannedEarly: false },
  // As of a system that is new: its first orders are planned for, and a minute later there are thousands.
  { tables: 'that grew after their statements were planned', isPlannedEarly: true },
])('on tables of 100,000 rows $tables', ({ isPlannedEarly }) => {
  beforeAll(async () => {
    topic = uniqueName('plans')
    transport = openKafka({ brokers: testBrokers(), clientId: 'plans', log: quiet })
    await transport.ensureTopics([{ topic, partitions: 1, replication: 1, minInsyncReplicas: 1 }])
    ;[ordersService, paymentsService] = await Promise.all([
      orders.openTestService(),
      payments.openTestService(),
    ])
    const services = [ordersService, paymentsService]
    relayPools = services.map(({ address }) => openPool(address, 'relay', 2))
    // Few sessions, which last, and all of which are told to report their counts at once.
    for (const { pool } of services) pool.options.max = 1
    for (const pool of [...relayPools, ...services.map(({ pool }) => pool)])
      pool.options.idleTimeoutMillis = 0
    for (const { address } of services) await address.asOwner(leaveStatisticsAlone)
    const databases = { orders: ordersService.address.owner, payments: paymentsService.address.owner }
    await openAccounts(databases.payments, 1, 20 * users)
    if (isPlannedEarly) for (let run = 0; run < runsUntilPlanned; run++) await callAll()
    await fillShop(databases, 1, rowsCount, users)
    for (const { pool } of services) {
      await pool.query(
        `insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
         select 'order', uuidv7(), 'OrderPlaced', $1, n % 1000, '{}' from generate_series(1, ${rowsCount}) n`,
        [topic],
      )
      await pool.query(
        `insert into idempotency_keys (operation, key, request_hash, response)
         select 'POST /orders', 'key-' || n, '', '{}' from generate_series(1, ${rowsCount}) n`,
      )
    }
    if (!isPlannedEarly) await vacuum(databases)
  }, 120_000)
  afterAll(async () => {
    for (const pool of relayPools) await pool.end()
    await Promise.all([ordersService.close(), paymentsService.close(), transport.close()])
  })

  const services = [
    ['orders-service', () => ordersService, () => relayPools[0]!, ordersCalls],
    ['payments-service', () => paymentsService, () => relayPools[1]!, paymentsCalls],
  ] as const
  describe.each(services)('%s', (_, service, relayPool, calls) => {
    test.each([...calls])('GET %s scans no table and reads no more than it needs', async url => {
      const { pool, app } = service()
      const read = await readsOf(pool, async () => {
        const answer = await app.inject(url)
        expect([answer.statusCode, answer.body.length > 2 || url.includes('NEW')]).toEqual([200, true])
      })
      expectFew(read)
    })

    test('the relay finds what was appended behind what is published', async () => {
      await append(service().pool)
      const pool = relayPool()
      expectFew(await readsOf(pool, async () => expect(await relay(pool)).toBe(100)))
    })
  })

  test('placing, with a key and without, reads little', async () => {
    expectFew(await readsOf(ordersService.pool, place))
  })

  test('settling reads the orders it settles', async () => {
    const order = await ordersService.place()
    expectFew(await readsOf(ordersService.pool, () => settle(order)))
    expect((await ordersService.findOrder(order.id)).status).toBe('FINISHED')
  })

  test('paying reads the accounts and payments of its tasks', async () => {
    expectFew(await readsOf(paymentsService.pool, pay))
  })

  test('no statement is planned for its values, each time anew', async () => {
    await pay()
    await settle(await ordersService.place())
    for (const { pool } of [ordersService, paymentsService]) {
      const { rows } = await pool.query('select statement, custom_plans from pg_prepared_statements')
      expect(rows.length).toBeGreaterThan(3)
      expect(rows.filter(row => row.custom_plans > 0n)).toEqual([])
    }
  })

  test('a scan is noticed', async () => {
    const read = await readsOf(ordersService.pool, () =>
      ordersService.pool.query("select count(*) from orders where description || '' = 'none'"),
    )
    expect(() => expectFew(read)).toThrow('orders')
  })

  test('ANALYZE samples few rows of each large table', async () => {
    for (const { address } of [ordersService, paymentsService]) {
      const samples = await analyse(address.owner)
      expect(samples.length).toBeGreaterThanOrEqual(4)
      expect(samples.filter(({ rows }) => rows > sampledRowsMax)).toEqual([])
    }
  })
})

test('the list of one who ordered once, among few who order much, reads little', async () => {
  const service = await orders.openTestService()
  onTestFinished(() => service.close())
  const { pool, address, app } = service
  pool.options.max = 1
  pool.options.idleTimeoutMillis = 0
  await address.asOwner(leaveStatisticsAlone)
  // Five users have all orders but one: for any of them, walking all orders would be right.
  await pool.query(`
    insert into orders (id, user_id, amount_minor, status, created_at, updated_at)
    select uuidv7(), case when n = 1 then 99 else 1 + n % 5 end, 1, 'FINISHED', now(), now() from generate_series(1, ${rowsCount}) n`)
  await vacuum({ orders: address.owner })
  const list = async () => expect((await app.inject('/orders?user_id=99')).json()).toHaveLength(1)
  for (let run = 0; run < runsUntilPlanned; run++) await list()
  expectFew(await readsOf(pool, list, 1))
})

/** Autovacuum comes when it likes: it makes the summaries of BRIN indexes, which count as scans, and new statistics. */
const leaveStatisticsAlone = `
  do $$ declare name text; begin
    for name in select oid::regclass from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace loop
      execute format('alter table %s set (autovacuum_enabled = off)', name);
    end loop;
  end $$`

/** All that is measured here, once. */
async function callAll(): Promise<void> {
  for (const url of ordersCalls) await ordersService.app.inject(url)
  for (const url of paymentsCalls) await paymentsService.app.inject(url)
  await place()
  await settle(await ordersService.place())
  await pay()
  for (const [index, { pool }] of [ordersService, paymentsService].entries()) {
    await append(pool)
    await relay(relayPools[index]!)
  }
}

async function place(): Promise<void> {
  expect((await ordersService.post({ user_id: user, amount: 1 })).statusCode).toBe(201)
  const key = { 'idempotency-key': uniqueName('key') }
  expect((await ordersService.post({ user_id: user, amount: 1 }, key)).statusCode).toBe(201)
}

const settle = (order: Awaited<ReturnType<typeof ordersService.place>>) =>
  orders.handleResults(ordersService.db, [orders.resultMessage(order, { status: 'SUCCESS' })])

const pay = () =>
  payments.handleTasks(
    paymentsService.db,
    Array.from({ length: 100 }, (_, n) => payments.taskMessage({ user_id: 1 + n, amount: 1 })),
  )

/** A hundred events, behind all that was written until now. */
async function append(pool: pg.Pool): Promise<void> {
  await pool.query(
    `insert into relay_cursor (name, published_to) values ('outbox', pg_current_snapshot())
     on conflict (name) do update set published_to = excluded.published_to, window_to = null, window_after = null`,
  )
  await pool.query(
    `insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
     select 'order', uuidv7(), 'OrderPlaced', $1, n, '{}' from generate_series(1, 100) n`,
    [topic],
  )
}

/** Answers how many events it published. */
async function relay(pool: pg.Pool): Promise<number> {
  const relay = new Relay({ pool, transport, source: '/plans', log: quiet })
  const outcome = await relay.relayOnce()
  await relay.release()
  return outcome.kind === 'published' ? outcome.rows : 0
}

type Reads = { table: string; scans: number; rows: number }[]

/** As PostgreSQL says it of our tables of more than that. */
async function analyse(database: pg.ClientConfig): Promise<{ table: string; rows: number }[]> {
  const client = new pg.Client(database)
  const samples: { table: string; rows: number }[] = []
  client.on('notice', ({ message = '' }) => {
    const [, table = '', rows, of] =
      /^"(.+)": .* (\d+) rows in sample, (\d+) estimated total rows$/.exec(message) ?? []
    if (!table.startsWith('pg_') && Number(of) > sampledRowsMax) samples.push({ table, rows: Number(rows) })
  })
  await client.connect()
  await client.query('analyze verbose')
  await client.end()
  return samples
}

/** Of the large tables, of which there are `tablesMin` at least. */
async function readsOf(pool: pg.Pool, act: () => Promise<unknown>, tablesMin = 4): Promise<Reads> {
  const before = await counts(pool)
  expect(before.size).toBeGreaterThanOrEqual(tablesMin)
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
  return new Map(rows.map(row => [row.table, row]))
}

function expectFew(reads: Reads): void {
  expect(reads.filter(({ scans, rows }) => scans > 0 || rows > rowsReadMax)).toEqual([])
}
