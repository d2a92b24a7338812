import { type Kysely, sql } from 'kysely'
import type { Log } from 'messaging/log'
import cron from 'node-cron'

/** A batch this size holds its locks for a few milliseconds and is small beside one checkpoint's WAL. */
const batchSizeMax = 2_000
/** What one run takes at most; the rest waits for the next. */
const batchesMax = 500

/** Deletes at most one batch of keys older than `retentionMs`; answers how many. Safe in several instances. */
export async function forgetIdempotencyKeysOnce<DB>(db: Kysely<DB>, retentionMs: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from idempotency_keys where ctid = any (array(
      select ctid from idempotency_keys
      where created_at < now() - make_interval(secs => ${retentionMs / 1000})
      limit ${batchSizeMax}
      for update skip locked))`.execute(db)
  return Number(numAffectedRows ?? 0n)
}

/** Forgets expired keys on a node-cron schedule. `stop` waits for the batch in hand. */
export function startIdempotencyRetention<DB>({
  db,
  log,
  retentionMs,
  schedule = '*/5 * * * *',
}: {
  db: Kysely<DB>
  log: Log
  retentionMs: number
  schedule?: string
}): { stop(): Promise<void> } {
  let stopping = false
  let running: Promise<void> = Promise.resolve()

  async function forgetExpired(): Promise<void> {
    let forgotten = 0
    try {
      for (let batch = 0; batch < batchesMax && !stopping; batch++) {
        const count = await forgetIdempotencyKeysOnce(db, retentionMs)
        forgotten += count
        if (count < batchSizeMax) break
      }
      if (forgotten > 0) log.info({ forgotten }, 'Forgot expired idempotency keys')
    } catch (error) {
      log.warn(
        { err: error, forgotten },
        'Could not forget expired idempotency keys; the next run tries again',
      )
    }
  }

  const task = cron.schedule(
    schedule,
    () => {
      running = forgetExpired()
      return running
    },
    { name: 'idempotency-retention', noOverlap: true, unref: true },
  )
  return {
    async stop() {
      stopping = true
      await task.destroy()
      await running
    },
  }
}
