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

const failpoint = failpointsOf<'retention.dropped'>()

const dayMs = 86_400_000
const retentionDefaults = {
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
 * Makes the partitions of the days ahead, drops those that are published and expired, and forgets old inbox rows. What
 * tables that takes and events that deletes are done by functions of the migrations, which judge for themselves.
 * Safe in any number of instances at once: partitions are made and dropped by one of them. What is locked by
 * somebody for long is left for the next run. `signal` ends it early, between statements.
 */
export const retainOnce = (settings: RetentionSettings, signal?: AbortSignal): Promise<RetentionOutcome> =>
  retain(settings, signal)

async function retain(
  settings: RetentionSettings,
  signal: AbortSignal | undefined,
  onDaysMade = () => {},
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
  const outcome: RetentionOutcome = { created: [], dropped: [], outboxRows: 0, inboxRows: 0 }
  for (let ahead = 0; ahead <= daysAheadMax && !signal?.aborted; ahead++) {
    const day = new Date(time + ahead * dayMs)
    if (await makeDay(pool, day, log)) outcome.created.push(partitionName(day))
  }
  onDaysMade()
  for (const day of await expiredDays(pool, outboxExpired)) {
    if (!signal?.aborted && (await dropIfPublished(pool, day, log))) outcome.dropped.push(partitionName(day))
  }
  outcome.outboxRows = await inBatches(signal, () => cleanDefault(pool, outboxExpired))
  const inboxExpired = await expiredBefore(pool, new Date(time - inboxRetentionMs), inboxRetentionMs)
  await pool.query(raiseInboxFloor, [inboxExpired])
  const deleteOnce = (statement: string) => async () =>
    (await pool.query(statement, [inboxExpired, deleteBatchSize])).rowCount ?? 0
  outcome.inboxRows = await inBatches(signal, deleteOnce(deleteFromInbox))
  await inBatches(signal, deleteOnce(deleteFromDeadLetters))
  return outcome
}

/**
 * Runs retention once, and by schedule until stopped; returns when the first run has made the partitions. Failures are
 * logged and tried again. `stop` waits for the statement in hand.
 */
export async function startRetention(settings: RetentionSettings): Promise<{ stop(): Promise<void> }> {
  const { log, schedule } = { ...retentionDefaults, ...settings }
  const stopping = new AbortController()
  const run = async (onDaysMade?: () => void) => {
    try {
      log.info(await retain(settings, stopping.signal, onDaysMade), 'retention done')
    } catch (err) {
      log.warn({ err }, 'retention failed; the next run tries again')
    }
  }
  let running = Promise.resolve()
  await new Promise<void>(resolve => {
    running = run(resolve).then(resolve)
  })
  const task = cron.schedule(
    schedule,
    () => {
      running = running.then(() => run())
      return running
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
export const partitionName = (moment: Date) => `outbox_${dayOf(moment).replaceAll('-', '')}`
const dayOf = (moment: Date) => moment.toISOString().slice(0, 10)

async function makeDay(pool: Pool, day: Date, log: Log): Promise<boolean> {
  const made = await alone(pool, `make ${partitionName(day)}`, log, async client => {
    const { rows } = await client.query('select outbox_make_day($1) as made', [dayOf(day)])
    return rows[0].made as boolean
  }).catch(err => {
    // The default partition has rows of that day already; it keeps them until they expire, and nothing is lost.
    if (Object(err).code !== '23514') throw err
    const partition = partitionName(day)
    log.warn({ partition }, 'rows of that day are in the default partition already; it keeps the day')
    return false
  })
  return made === true
}

async function expiredDays(pool: Pool, before: Date): Promise<Date[]> {
  const { rows } = await pool.query<{ day: string }>(
    `select to_date(right(c.relname, 8), 'YYYYMMDD')::text as day
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'outbox'::regclass and c.relname ~ '^outbox_[0-9]{8}$' order by 1`,
  )
  // A day has expired when the one after it has.
  return rows.map(({ day }) => new Date(day)).filter(day => day.getTime() + dayMs <= before.getTime())
}

async function dropIfPublished(pool: Pool, day: Date, log: Log): Promise<boolean> {
  const dropped = await alone(pool, `drop ${partitionName(day)}`, log, async client => {
    const { rows } = await client.query('select outbox_drop_day($1) as dropped', [dayOf(day)])
    if (!rows[0].dropped) return false
    await failpoint('retention.dropped')
    return true
  })
  if (dropped === false) {
    const partition = partitionName(day)
    log.warn({ partition }, 'expired events are kept: not all are known to be published')
  }
  return dropped === true
}

async function cleanDefault(pool: Pool, before: Date): Promise<number> {
  const { rows } = await pool.query('select outbox_clean_default($1, $2)::int as deleted', [
    before,
    deleteBatchSize,
  ])
  return rows[0].deleted
}

/** By the clock that stamped what was handled: ours may be ahead, and would have forgotten what can still come again. */
async function expiredBefore(pool: Pool, byOurs: Date, retentionMs: number): Promise<Date> {
  const { rows } = await pool.query(
    `select least($1::timestamptz, now() - $2 * interval '1 ms') as expired`,
    [byOurs, retentionMs],
  )
  return rows[0].expired
}

/** Before they go: whoever finds a row missing then knows why. It never falls, also where retention is made longer. */
const raiseInboxFloor = `insert into inbox_floor (forgotten_before) values ($1)
  on conflict (is_only) do update set forgotten_before = excluded.forgotten_before
  where inbox_floor.forgotten_before < excluded.forgotten_before`
/**
 * A message that is put aside is remembered for as long as that: else it would be handled here and redriven there. And for
 * as long as any other after it: its effect is of then.
 */
const deleteFromInbox = `delete from inbox where ctid = any (array(
  select ctid from inbox i where processed_at < $1 and not exists (
    select from dead_letters d where d.consumer = i.consumer and d.event_id = i.event_id
      and (d.state in ('parked', 'waiting') or d.closed_at >= $1)) limit $2))`
const deleteFromDeadLetters = `delete from dead_letters where id = any (array(
  select id from dead_letters where closed_at < $1 and state in ('redriven', 'discarded') limit $2))`

/** `once` answers how many rows it deleted; less than a batch means that there are no more. */
async function inBatches(signal: AbortSignal | undefined, once: () => Promise<number>): Promise<number> {
  let deleted = 0
  for (let batch = 0; batch < deleteBatchesMax && !signal?.aborted; batch++) {
    const count = await once()
    deleted += count
    if (count < deleteBatchSize) break
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
