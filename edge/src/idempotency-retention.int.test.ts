import { type Kysely, sql } from 'kysely'
import type { Pool } from 'pg'
import { type TestDatabase, testDatabase } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { forgetIdempotencyKeysOnce, startIdempotencyRetention } from './idempotency-retention.ts'
import { openDatabase, openPool } from './postgres.ts'

const hourMs = 3_600_000
let database: TestDatabase
let pool: Pool
let db: Kysely<unknown>

beforeAll(async () => {
  database = await testDatabase('payments')
  pool = openPool(database, 'test', 4)
  // Dropping the database ends sessions that the pool has said goodbye to and that are not gone yet.
  pool.on('error', () => undefined)
  db = openDatabase(pool)
})
afterAll(async () => {
  await db?.destroy()
  await database?.drop()
})
beforeEach(async () => {
  await database.asOwner('truncate idempotency_keys')
  await sql`
    insert into idempotency_keys (operation, key, request_hash, response, created_at)
    select 'test', n::text, '', '{}', now() - case when n <= 5000 then interval '25 hours' else interval '23 hours' end
    from generate_series(1, 5010) n`.execute(db)
})
const count = async () => {
  const { rows } = await sql<{ count: number }>`select count(*)::int from idempotency_keys`.execute(db)
  return rows[0]?.count
}

test('one run takes one bounded batch, and two at once do not wait for each other', async () => {
  const taken = await Promise.all([1, 2].map(() => forgetIdempotencyKeysOnce(db, 24 * hourMs)))
  expect(taken).toEqual([2_000, 2_000])
  expect(await forgetIdempotencyKeysOnce(db, 24 * hourMs)).toBe(1_000)
  expect(await forgetIdempotencyKeysOnce(db, 24 * hourMs)).toBe(0)
  expect(await count()).toBe(10)
})

test('the schedule forgets all that has expired and nothing else, and says how many', async () => {
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const retention = startIdempotencyRetention({ db, log, retentionMs: 24 * hourMs, schedule: '* * * * * *' })
  await expect.poll(count, { timeout: 5_000 }).toBe(10)
  await retention.stop()
  expect(log.info).toHaveBeenCalledExactlyOnceWith({ forgotten: 5_000 }, expect.any(String))
  expect(log.warn).not.toHaveBeenCalled()
})
