import cron from 'node-cron'
import type { Pool, PoolClient } from 'pg'
import type { Log } from './log.ts'

export type RetentionSettings = {
  pool: Pool
  log: Log
  /** Published events are kept this long. */
  outboxRetentionMs?: number
  /** Handled messages are remembered this long: longer than anything can be delivered again. */
  inboxRetentionMs?: number
  /** cron expression of the runs after the first. */
  schedule?: string
  now?: () => Date
}

export type RetentionOutcome = { created: string[]; dropped: string[]; outboxRows: number; inboxRows: number }

const dayMs = 86_400_000
export const retentionDefaults = {
  outboxRetentionMs: 3 * dayMs,
  inboxRetentionMs: 30 * dayMs,
  schedule: '7 * * * *',
}

const daysAheadMax = 3
const deleteBatchSize = 10_000
const deleteBatchesMax = 100
/** Waiting for a lock here would hold up every writer behind us; the next run tries again. */
const lockTimeoutMs = 2_000

/**
 * Makes tomorrow's partitions, drops those that are published and expired, and forgets old inbox rows. One instance
 * at a time; another one returns at once with nothing done.
 */
export async function retainOnce(settings: RetentionSettings): Promise<RetentionOutcome> {
  const {
    pool,
    log,
    outboxRetentionMs,
    inboxRetentionMs,
    now = () => new Date(),
  } = { ...retentionDefaults, ...settings }
  const outcome: RetentionOutcome = { created: [], dropped: [], outboxRows: 0, inboxRows: 0 }
  for (let day = 0; day <= daysAheadMax; day++) {
    const name = await createPartition(pool, new Date(now().getTime() + day * dayMs), log)
    if (name) outcome.created.push(name)
  }
  const expiredBefore = new Date(now().getTime() - outboxRetentionMs)
  for (const name of await expiredPartitions(pool, expiredBefore)) {
    if (await dropIfPublished(pool, name, log)) outcome.dropped.push(name)
  }
  outcome.outboxRows = await deleteInBatches(pool, deleteFromDefault, expiredBefore)
  outcome.inboxRows = await deleteInBatches(
    pool,
    deleteFromInbox,
    new Date(now().getTime() - inboxRetentionMs),
  )
  return outcome
}

/** Runs retention once before it returns, then by schedule until stopped. Failures are logged and tried again. */
export async function startRetention(settings: RetentionSettings): Promise<{ stop(): Promise<void> }> {
  const { log, schedule } = { ...retentionDefaults, ...settings }
  const run = async () => {
    try {
      log.info(await retainOnce(settings), 'retention done')
    } catch (err) {
      log.warn({ err }, 'retention failed; the next run tries again')
    }
  }
  await run()
  let running = Promise.resolve()
  const task = cron.schedule(
    schedule,
    () => {
      running = run()
    },
    { noOverlap: true },
  )
  return {
    async stop() {
      await task.destroy()
      await running
    },
  }
}

const partitionName = (day: Date) => `outbox_${day.toISOString().slice(0, 10).replaceAll('-', '')}`

async function createPartition(pool: Pool, time: Date, log: Log): Promise<string | undefined> {
  const from = new Date(Math.floor(time.getTime() / dayMs) * dayMs)
  const to = new Date(from.getTime() + dayMs)
  const name = partitionName(from)
  return alone(pool, async client => {
    const { rows } = await client.query('select to_regclass($1) is not null as exists', [name])
    if (rows[0].exists) return undefined
    await client.query(
      `create table ${name} partition of outbox for values from ('${from.toISOString()}') to ('${to.toISOString()}')`,
    )
    return name
  }).catch(err => {
    // The default partition has rows of that day already; it keeps them until they expire, and nothing is lost.
    if (Object(err).code !== '23514') throw err
    log.warn({ partition: name }, 'rows of that day are in the default partition already; it keeps the day')
    return undefined
  })
}

async function expiredPartitions(pool: Pool, before: Date): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'outbox'::regclass and c.relname ~ '^outbox_[0-9]{8}$' order by 1`,
  )
  // A partition has expired when the day after it has.
  const last = partitionName(new Date(before.getTime() - dayMs))
  return rows.map(({ name }) => name).filter(name => name <= last)
}

async function dropIfPublished(pool: Pool, name: string, log: Log): Promise<boolean> {
  const dropped = await alone(pool, async client => {
    // Waits for writers that are in the partition, so that the check below sees all there will ever be.
    await client.query(`lock table ${name} in access exclusive mode`)
    const { rows } = await client.query(
      `select exists (select from ${name} o where ${isUnpublished('o')}) as unpublished`,
    )
    if (rows[0].unpublished) return false
    await client.query(`drop table ${name}`)
    return true
  })
  if (dropped === false) log.warn({ partition: name }, 'expired events are not published yet and are kept')
  return dropped === true
}

/** By any cursor: where none is stored yet, nothing counts as published. */
const isUnpublished = (row: string) =>
  `(not exists (select from relay_cursor) or exists (
     select from relay_cursor c where not pg_visible_in_snapshot(${row}.xid, c.published_to)))`

const deleteFromDefault = `delete from outbox_default where ctid = any (array(
  select ctid from outbox_default o where created_at < $1 and not ${isUnpublished('o')} limit $2))`
const deleteFromInbox = `delete from inbox where ctid = any (array(
  select ctid from inbox where processed_at < $1 limit $2))`

async function deleteInBatches(pool: Pool, statement: string, before: Date): Promise<number> {
  let deleted = 0
  for (let batch = 0; batch < deleteBatchesMax; batch++) {
    const { rowCount } = await pool.query(statement, [before, deleteBatchSize])
    deleted += rowCount ?? 0
    if ((rowCount ?? 0) < deleteBatchSize) break
  }
  return deleted
}

/** One instance at a time, in a transaction of its own; undefined where another one is at it. */
async function alone<Result>(
  pool: Pool,
  act: (client: PoolClient) => Promise<Result>,
): Promise<Result | undefined> {
  const client = await pool.connect()
  try {
    await client.query(`begin; set local lock_timeout = ${lockTimeoutMs}`)
    const { rows } = await client.query(
      "select pg_try_advisory_xact_lock(hashtext('outbox retention')) as mine",
    )
    const result = rows[0].mine ? await act(client) : undefined
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    client.release()
  }
}
