import cron from 'node-cron'
import type { Pool, PoolClient } from 'pg'
import { failpointsOf } from './failpoint.ts'
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

const failpoint = failpointsOf<'retention.locked' | 'retention.dropped'>()

const dayMs = 86_400_000
export const retentionDefaults = {
  outboxRetentionMs: 3 * dayMs,
  inboxRetentionMs: 30 * dayMs,
  schedule: '7 * * * *',
}

const daysAheadMax = 3
const deleteBatchSize = 10_000
/** 10 million rows an hour: more than an hour of the busiest consumer adds. */
const deleteBatchesMax = 1_000
/** While we wait for a lock, writers and the relay wait behind us; the next run tries again. */
const lockTimeoutMs = 500
const lockNotAvailable = '55P03'

/**
 * Makes the partitions of the days ahead, drops those that are published and expired, and forgets old inbox rows.
 * Safe in any number of instances at once: partitions are made and dropped by one of them. What is locked by
 * somebody for long is left for the next run. `signal` ends it early, between statements.
 */
export async function retainOnce(
  settings: RetentionSettings,
  signal?: AbortSignal,
): Promise<RetentionOutcome> {
  const {
    pool,
    log,
    outboxRetentionMs,
    inboxRetentionMs,
    now = () => new Date(),
  } = { ...retentionDefaults, ...settings }
  const time = now().getTime()
  const outboxExpired = new Date(time - outboxRetentionMs)
  const inboxExpired = new Date(time - inboxRetentionMs)
  const outcome: RetentionOutcome = { created: [], dropped: [], outboxRows: 0, inboxRows: 0 }
  for (let day = 0; day <= daysAheadMax && !signal?.aborted; day++) {
    const name = await createPartition(pool, new Date(time + day * dayMs), log)
    if (name) outcome.created.push(name)
  }
  for (const name of await expiredPartitions(pool, outboxExpired)) {
    if (!signal?.aborted && (await dropIfPublished(pool, name, log))) outcome.dropped.push(name)
  }
  outcome.outboxRows = await deleteInBatches(pool, deleteFromDefault, outboxExpired, signal)
  await pool.query(raiseInboxFloor, [inboxExpired])
  outcome.inboxRows = await deleteInBatches(pool, deleteFromInbox, inboxExpired, signal)
  await deleteInBatches(pool, deleteFromDeadLetters, inboxExpired, signal)
  return outcome
}

/** Runs retention once before it returns, then by schedule until stopped. Failures are logged and tried again. */
export async function startRetention(settings: RetentionSettings): Promise<{ stop(): Promise<void> }> {
  const { log, schedule } = { ...retentionDefaults, ...settings }
  const stopping = new AbortController()
  const run = async () => {
    try {
      log.info(await retainOnce(settings, stopping.signal), 'retention done')
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
      stopping.abort()
      await task.destroy()
      await running
    },
  }
}

/** Of the day, in UTC, that holds this moment. */
export const partitionName = (day: Date) => `outbox_${day.toISOString().slice(0, 10).replaceAll('-', '')}`

async function createPartition(pool: Pool, time: Date, log: Log): Promise<string | undefined> {
  const from = new Date(Math.floor(time.getTime() / dayMs) * dayMs)
  const to = new Date(from.getTime() + dayMs)
  const name = partitionName(from)
  return alone(pool, `make ${name}`, log, async client => {
    const { rows } = await client.query('select to_regclass($1) is not null as exists', [name])
    if (rows[0].exists) return undefined
    // Made apart and attached: "create table … partition of" would wait for every open transaction that has appended,
    // with all later ones behind it.
    await client.query(`create table ${name} (like outbox including all excluding identity)`)
    await client.query(
      `alter table outbox attach partition ${name} for values from ('${from.toISOString()}') to ('${to.toISOString()}')`,
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
  const dropped = await alone(pool, `drop ${name}`, log, async client => {
    // Looked at before anybody is made to wait.
    if (await isKept(client, name)) return false
    // The parent first, as readers and writers lock them. Writers that are in the partition have to end before us,
    // so that the second look sees all there will ever be.
    await client.query(`lock table only outbox, ${name} in access exclusive mode`)
    await failpoint('retention.locked')
    if (await isKept(client, name)) return false
    await client.query(`drop table ${name}`)
    await failpoint('retention.dropped')
    return true
  })
  if (dropped === false)
    log.warn({ partition: name }, 'expired events are kept: not all are known to be published')
  return dropped === true
}

/**
 * By its newest transaction, which the index knows: reading a whole day under lock would hold up everyone. That a
 * cursor's snapshot began before it does not mean that it is unpublished, but then it is dropped later.
 */
async function isKept(client: PoolClient, partition: string): Promise<boolean> {
  const { rows } = await client.query(
    `select not exists (select from relay_cursor) or exists (
       select from relay_cursor where pg_snapshot_xmin(published_to) <= (select max(xid) from ${partition})) as kept`,
  )
  return rows[0].kept
}

/** By every cursor: where none is stored yet, nothing counts as published. */
const deleteFromDefault = `delete from outbox_default where ctid = any (array(
  select ctid from outbox_default o where created_at < $1 and exists (select from relay_cursor) and not exists (
    select from relay_cursor c where not pg_visible_in_snapshot(o.xid, c.published_to)) limit $2))`
/** Before they go: whoever finds a row missing then knows why. It never falls, also where retention is made longer. */
const raiseInboxFloor = `insert into inbox_floor (forgotten_before) values ($1)
  on conflict (is_only) do update set forgotten_before = excluded.forgotten_before
  where inbox_floor.forgotten_before < excluded.forgotten_before`
/** A message that is put aside is remembered for as long as that: else it would be handled here and redriven there. */
const deleteFromInbox = `delete from inbox where ctid = any (array(
  select ctid from inbox i where processed_at < $1 and not exists (
    select from dead_letters d where d.consumer = i.consumer and d.event_id = i.event_id
      and d.state in ('parked', 'waiting')) limit $2))`
const deleteFromDeadLetters = `delete from dead_letters where id = any (array(
  select id from dead_letters where closed_at < $1 and state in ('redriven', 'discarded') limit $2))`

async function deleteInBatches(
  pool: Pool,
  statement: string,
  before: Date,
  signal: AbortSignal | undefined,
): Promise<number> {
  let deleted = 0
  for (let batch = 0; batch < deleteBatchesMax && !signal?.aborted; batch++) {
    const { rowCount } = await pool.query(statement, [before, deleteBatchSize])
    deleted += rowCount ?? 0
    if ((rowCount ?? 0) < deleteBatchSize) break
  }
  return deleted
}

/** One instance at a time, in a transaction of its own; undefined where another one is at it, or holds a lock for long. */
async function alone<Result>(
  pool: Pool,
  what: string,
  log: Log,
  act: (client: PoolClient) => Promise<Result>,
): Promise<Result | undefined> {
  const client = await pool.connect()
  let broken = false
  try {
    await client.query(`begin; set local lock_timeout = ${lockTimeoutMs}`)
    const { rows } = await client.query(
      "select pg_try_advisory_xact_lock(hashtext('outbox retention')) as mine",
    )
    const result = rows[0].mine ? await act(client) : undefined
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true
    })
    if (Object(error).code !== lockNotAvailable) throw error
    log.info({}, `could not ${what}: a transaction has it locked for long; the next run tries again`)
    return undefined
  } finally {
    client.release(broken)
  }
}
