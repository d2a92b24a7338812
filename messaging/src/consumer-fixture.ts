import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { testDatabase } from 'scripts/test-infrastructure'
import type { ConsumerDefinition, Message } from './consumer.ts'
import type { Desk } from './dead-letters.ts'
import { handleBatch } from './handle-batch.ts'
import type { Log } from './log.ts'
import type { IncomingMessage } from './transport.ts'

type Address = pg.PoolConfig
type Database = Address & { owner: Address }
export type Scan = { scan: number }

/** Keeps what was logged, for tests that ask. */
export const keepingLog = () => {
  const lines: { level: string; message: string; details: object }[] = []
  const at = (level: string) => (details: object, message: string) =>
    void lines.push({ level, message, details })
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return { log, lines }
}

export function openTestPool(address: Address, max = 10): pg.Pool {
  const pool = new pg.Pool({ ...address, max })
  // Sessions are ended on purpose by some tests, and all of them when the database is dropped.
  pool.on('error', () => {})
  return pool.on('connect', client => client.on('error', () => {}))
}

async function makeEffects(owner: Address): Promise<void> {
  const pool = openTestPool(owner)
  await pool.query(`
    create table if not exists effects (position bigint generated always as identity, key text, scan int);
    grant all on effects to public`)
  await pool.end()
}

/** A table of effects: one row per scan handled, in the order of the effects. */
export async function openEffects(database: Database) {
  await makeEffects(database.owner)
  const pool = openTestPool(database)
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const { log, lines } = keepingLog()
  const poison = new Set<number>()
  /** What a test has the handler do besides; it may write, wait and throw. */
  const hooks: { before?: Hook; after?: Hook } = {}

  const definition: ConsumerDefinition<unknown, Scan> = {
    name: 'scans',
    topics: ['scanned'],
    decode: ({ value }) => {
      try {
        const content = JSON.parse(String(value)) as { scan: number; id?: string }
        return { ok: true, payload: { scan: content.scan }, ...(content.id ? { id: content.id } : {}) }
      } catch (error) {
        return { ok: false, reason: `not JSON: ${String(error)}` }
      }
    },
    async handle(trx, messages) {
      await hooks.before?.(trx, messages)
      await sql`insert into effects (key, scan) select * from unnest(
        ${messages.map(({ source }) => source.key)}::text[],
        ${messages.map(({ payload }) => payload.scan)}::int[])`.execute(trx)
      const bad = messages.find(({ payload }) => poison.has(payload.scan))
      if (bad) throw new Error(`scan ${bad.payload.scan} is\0poison`)
      await hooks.after?.(trx, messages)
    },
  }
  const attemptRetry = { firstMs: 1, maxMs: 2 }
  const infrastructureRetry = { firstMs: 5, maxMs: 50 }
  const settings = { db, definition, log, attemptRetry, infrastructureRetry }
  const desk: Desk<unknown, Scan> = { db, definition, log }
  const query = async <Row extends object>(text: string) => (await sql.raw<Row>(text).execute(db)).rows

  return {
    pool,
    db,
    definition,
    settings,
    desk,
    lines,
    poison,
    hooks,
    query,
    handle: (messages: IncomingMessage[], signal = new AbortController().signal) =>
      handleBatch(settings, messages, signal),
    /** Scans in the order of their effects, of one key or of all. */
    effects: async (key?: string) =>
      (await query<{ key: string; scan: number }>('select key, scan from effects order by position')).flatMap(
        row => (key === undefined || row.key === key ? [row.scan] : []),
      ),
    letters: (where = 'true') =>
      query<{
        id: string
        event_id: string
        key: string | null
        state: string
        reason: string
        attempts: number
      }>(
        `select id::text, event_id, key, state, reason, attempts from dead_letters where ${where} order by dead_letters.id`,
      ),
    blockedKeys: async () =>
      (await query<{ key: string }>('select key from blocked_keys order by key')).map(({ key }) => key),
    count: async (table: string) =>
      (await query<{ n: number }>(`select count(*)::int as n from ${table}`))[0]!.n,
  }
}
type Hook = (trx: Transaction<unknown>, messages: Message<Scan>[]) => Promise<void>
export type Effects = Awaited<ReturnType<typeof openEffects>>

export async function openConsumerFixture() {
  const database = await testDatabase('messaging')
  const effects = await openEffects(database)
  return {
    ...effects,
    database,
    async close() {
      await effects.pool.end()
      await database.drop()
    },
  }
}
export type ConsumerFixture = Awaited<ReturnType<typeof openConsumerFixture>>

/** A message as the transport gives it, known by its place in the topic. */
export const message = (
  key: string | null,
  scan: number,
  more: Partial<IncomingMessage> = {},
): IncomingMessage => ({
  topic: 'scanned',
  partition: 0,
  offset: BigInt(scan),
  key,
  value: Buffer.from(JSON.stringify({ scan })),
  headers: {},
  timestamp: new Date('2026-11-21T10:00:00Z'),
  ...more,
})

export const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
