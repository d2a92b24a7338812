import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { testDatabase } from 'scripts/test-infrastructure'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keepingLog, openTestPool, range } from './consumer-fixture.ts'
import { retainOnce, startRetention } from './retention.ts'

const day = (text: string) => new Date(`${text}T12:00:00Z`)
const { log, lines } = keepingLog()
let database: Awaited<ReturnType<typeof testDatabase>>
let pool: pg.Pool
beforeEach(async () => {
  database = await testDatabase('messaging')
  pool = openTestPool(database)
  lines.length = 0
})
afterEach(async () => {
  await pool.end()
  await database.drop()
})

const retain = (at: string, more = {}) => retainOnce({ pool, log, now: () => day(at), ...more })
const append = (createdAt: string, on: pg.Pool | pg.PoolClient = pool) =>
  on.query(
    `insert into outbox (aggregate_type, aggregate_id, event_type, topic, payload, created_at)
     values ('parcel', '1', 'parcel.scanned', 'scans', '{}', $1)`,
    [day(createdAt)],
  )
/** As a relay that has published all there is. Transactions of other tests, in other databases, count in a snapshot. */
async function publishAll(name = 'outbox'): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rows } = await pool.query(
        'select pg_snapshot_xmin(pg_current_snapshot()) <= max(xid) as is_open from outbox',
      )
      expect(rows[0].is_open).not.toBe(true)
    },
    { timeout: 20_000 },
  )
  await pool.query(
    `insert into relay_cursor (name, published_to) values ($1, pg_current_snapshot())
     on conflict (name) do update set published_to = excluded.published_to`,
    [name],
  )
}
const rowsIn = async (table: string) =>
  (await database.asOwner<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]!.n

describe('partitions', () => {
  test('of today and three days ahead are made once, and catch their rows', async () => {
    expect((await retain('2025-03-01')).created).toEqual([
      'outbox_20250301',
      'outbox_20250302',
      'outbox_20250303',
      'outbox_20250304',
    ])
    expect((await retain('2025-03-02')).created).toEqual(['outbox_20250305'])
    await append('2025-03-03')
    expect(await rowsIn('outbox_20250303')).toBe(1)
    const { rows } = await pool.query('select id, xid, event_id from outbox')
    expect(rows).toMatchObject([
      { id: expect.anything(), xid: expect.anything(), event_id: expect.anything() },
    ])
  })

  test('are sampled little by ANALYZE, and not vacuumed for having grown', async () => {
    await retain('2025-03-01')
    const { rows } = await pool.query<{ name: string; options: string[] | null; sampled: number | null }>(`
      select relname as name, reloptions as options, (
          select max(coalesce(attstattarget, -1)) from pg_attribute where attrelid = c.oid and attnum > 0) as sampled
      from pg_class c where relname ~ '^(outbox_(2025|default$)|inbox$)' and relkind = 'r' order by relname`)
    const day = { options: ['autovacuum_vacuum_insert_threshold=-1'], sampled: 10 }
    expect(rows).toEqual([
      { name: 'inbox', options: null, sampled: 10 },
      ...['20250301', '20250302', '20250303', '20250304', 'default'].map(end => ({
        name: `outbox_${end}`,
        ...day,
      })),
    ])
  })

  test('that are expired and published are dropped, each cursor asked; others are kept and said', async () => {
    await retain('2025-03-01')
    await append('2025-03-01')
    await append('2025-03-02')
    // Nobody has published yet.
    expect((await retain('2025-03-20')).dropped).toEqual([])
    await publishAll()
    await append('2025-03-02')
    lines.length = 0
    expect((await retain('2025-03-20')).dropped).toEqual([
      'outbox_20250301',
      'outbox_20250303',
      'outbox_20250304',
    ])
    expect(lines).toMatchObject([{ level: 'warn', details: { partition: 'outbox_20250302' } }])
    expect(await rowsIn('outbox')).toBe(2)
    await publishAll('second cursor')
    expect((await retain('2025-03-20')).dropped).toEqual([])
    await publishAll()
    expect((await retain('2025-03-20')).dropped).toEqual(['outbox_20250302'])
    expect(await rowsIn('outbox')).toBe(0)
  })

  test('are kept to the last moment of the retention', async () => {
    await retain('2025-03-01')
    await publishAll()
    const at = (time: string) => retainOnce({ pool, log, now: () => new Date(time) })
    expect((await at('2025-03-04T23:59:59Z')).dropped).toEqual([])
    expect((await at('2025-03-05T00:00:00Z')).dropped).toEqual(['outbox_20250301'])
  })

  test('a row of a transaction that is still open keeps its partition, and nobody waits for long', async () => {
    await retain('2025-03-01')
    await publishAll()
    const late = await pool.connect()
    await late.query('begin')
    await append('2025-03-01', late)
    const writing = writeWhile(retain('2025-03-20'))
    const { waitMsMax, result } = await writing
    expect(result.created).toHaveLength(4)
    expect(result.dropped).toEqual([])
    // Dropping needs the lock for which it waits, at most 500 ms for each of the partitions; making does not.
    expect(waitMsMax).toBeLessThan(1_500)
    await late.query('commit')
    late.release()
    // Its row and those written meanwhile are not published.
    expect((await retain('2025-03-20')).dropped).toEqual(['outbox_20250303', 'outbox_20250304'])
    expect(await rowsIn('outbox_20250301')).toBe(1)
  })

  test('are made while a transaction that has appended stays open, and no writer waits', async () => {
    const late = await pool.connect()
    await late.query('begin')
    await append('2025-02-01', late)
    await append('2025-02-01', late)
    await late.query('commit; begin')
    await late.query(
      "insert into outbox (aggregate_type, aggregate_id, event_type, topic, payload) values ('a', '1', 'e', 't', '{}')",
    )
    // Its row is in the default partition, which an attach has to look through.
    expect((await retain('2025-03-01')).created).toEqual([])
    await late.query('rollback')
    expect((await retain('2025-03-01')).created).toHaveLength(4)
    await late.query('begin')
    await append('2025-03-01', late)
    const { waitMsMax, result } = await writeWhile(retain('2025-03-05'))
    expect(result.created).toHaveLength(4)
    expect(waitMsMax).toBeLessThan(400)
    await late.query('rollback')
    late.release()
  })

  test('four instances at once do what one does', async () => {
    const outcomes = await Promise.all(range(0, 4).map(() => retain('2025-03-01')))
    const rest = await retain('2025-03-01')
    const created = [...outcomes, rest].flatMap(outcome => outcome.created)
    expect(created.toSorted()).toEqual([
      'outbox_20250301',
      'outbox_20250302',
      'outbox_20250303',
      'outbox_20250304',
    ])
  })
})

/** Appends one row after the other meanwhile; answers the longest wait. */
async function writeWhile<Result>(act: Promise<Result>) {
  let isOver = false
  let waitMsMax = 0
  const settled = act.finally(() => {
    isOver = true
  })
  while (!isOver) {
    const startedAt = performance.now()
    await append('2025-03-02')
    waitMsMax = Math.max(waitMsMax, performance.now() - startedAt)
  }
  return { result: await settled, waitMsMax }
}

describe('the default partition', () => {
  test('catches what no run prepared for; that day stays there, is said, and is cleaned when published and expired', async () => {
    await append('2025-03-02')
    await append('2025-03-09')
    const outcome = await retain('2025-03-01')
    expect(outcome.created).toEqual(['outbox_20250301', 'outbox_20250303', 'outbox_20250304'])
    expect(lines).toMatchObject([{ level: 'warn', details: { partition: 'outbox_20250302' } }])
    expect((await retain('2025-03-07')).outboxRows).toBe(0)
    await publishAll()
    await append('2025-03-02')
    expect((await retain('2025-03-07')).outboxRows).toBe(1)
    expect(await rowsIn('outbox_default')).toBe(2)
    await publishAll()
    expect((await retain('2025-03-07')).outboxRows).toBe(1)
    expect(await rowsIn('outbox_default')).toBe(1)
  })
})

describe('the inbox', () => {
  const received = (event: string, processedAt: string) =>
    pool.query(
      `insert into inbox (consumer, event_id, topic, "partition", "offset", published_at, processed_at)
       values ('scans', $1, 't', 0, 0, now(), $2)`,
      [event, day(processedAt)],
    )
  const parked = (event: string, state: string, closedAt: string | null) =>
    pool.query(
      `insert into dead_letters (consumer, event_id, topic, "partition", "offset", headers, published_at, state, closed_at)
       values ('scans', $1, 't', 0, 0, '{}', now(), $2, $3)`,
      [event, state, closedAt && day(closedAt)],
    )

  test('forgets after its retention, but not what still stands in dead letters', async () => {
    await received('old', '2025-01-29')
    await received('young', '2025-01-31')
    await received('put aside', '2025-01-01')
    await parked('put aside', 'parked', null)
    await received('redriven', '2025-01-01')
    await parked('redriven', 'redriven', '2025-01-02')
    await received('redriven lately', '2025-01-01')
    await parked('redriven lately', 'redriven', '2025-02-27')
    expect((await retain('2025-03-01')).inboxRows).toBe(2)
    const { rows } = await pool.query('select event_id from inbox order by 1')
    expect(rows.map(({ event_id }) => event_id)).toEqual(['put aside', 'redriven lately', 'young'])
    const letters = await pool.query('select event_id from dead_letters order by 1')
    expect(letters.rows.map(({ event_id }) => event_id)).toEqual(['put aside', 'redriven lately'])
  })

  test('remembers by the clock of the database, where that of this instance is days ahead', async () => {
    const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
    await received('7 days ago', ago(7))
    await parked('7 days ago', 'redriven', ago(7))
    await received('9 days ago', ago(9))
    const ahead = () => new Date(Date.now() + 20 * 86_400_000)
    const outcome = await retainOnce({ pool, log, now: ahead, inboxRetentionMs: 8 * 86_400_000 })
    expect(outcome.inboxRows).toBe(1)
    expect(await rowsIn('dead_letters')).toBe(1)
    expect(await rowsIn('inbox_floor where forgotten_before > now()')).toBe(0)
  })

  test('is emptied in batches, until the signal ends it', async () => {
    await pool.query(
      `insert into inbox select 'scans', n::text, 't', 0, n, now(), '2025-01-01' from generate_series(1, 25000) n`,
    )
    const ended = AbortSignal.abort()
    expect(await retainOnce({ pool, log, now: () => day('2025-03-01') }, ended)).toMatchObject({
      inboxRows: 0,
    })
    expect((await retain('2025-03-01')).inboxRows).toBe(25_000)
  })
})

describe('startRetention', () => {
  test('has made the partitions when it returns, runs by its schedule, and stops', async () => {
    const retention = await startRetention({ pool, log, schedule: '* * * * * *' })
    expect(await rowsIn("pg_inherits where inhparent = 'outbox'::regclass")).toBe(5)
    await expect
      .poll(() => lines.filter(({ message }) => message === 'retention done').length, { timeout: 8_000 })
      .toBeGreaterThan(1)
    await retention.stop()
  })

  /** A run waits for this lock where it forgets, for as long as the test likes. */
  async function holdForgetting() {
    const holder = new pg.Client(database.owner)
    await holder.connect()
    await holder.query('begin; lock table inbox_floor in exclusive mode')
    const waiting = async () =>
      (
        await pool.query(
          "select count(*)::int as n from pg_locks where not granted and relation = 'inbox_floor'::regclass",
        )
      ).rows[0].n
    return { waiting, letGo: () => holder.end() }
  }

  test('begins no run while one is not over, and stop waits for that one', async () => {
    const retention = await startRetention({ pool, log, schedule: '* * * * * *' })
    const { waiting, letGo } = await holdForgetting()
    await expect.poll(waiting, { timeout: 8_000 }).toBe(1)
    const seen: number[] = []
    for (const endsAt = Date.now() + 2_500; Date.now() < endsAt; await delay(100)) seen.push(await waiting())
    expect(Math.max(...seen)).toBe(1)
    await letGo()
    await retention.stop()
    expect(pool.idleCount).toBe(pool.totalCount)
  })

  test('returns when the partitions are made, so that a long first run can be stopped', async () => {
    const { waiting, letGo } = await holdForgetting()
    const retention = await startRetention({ pool, log })
    expect(await rowsIn("pg_inherits where inhparent = 'outbox'::regclass")).toBe(5)
    await pool.query(
      `insert into inbox select 'scans', n::text, 't', 0, n, now(), '2025-01-01' from generate_series(1, 25000) n`,
    )
    await expect.poll(waiting).toBe(1)
    const stopped = retention.stop()
    await letGo()
    await stopped
    expect(await rowsIn('inbox')).toBe(25_000)
  })

  test('starts also while the database is away, and says so', async () => {
    const nowhere = new pg.Pool({ host: '127.0.0.1', port: 1 })
    const retention = await startRetention({ pool: nowhere, log })
    expect(lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('tries again') }])
    await retention.stop()
    await nowhere.end()
  })
})
