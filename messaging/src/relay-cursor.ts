import type { Pool, PoolClient } from 'pg'
import { emptySnapshot } from './snapshot.ts'

/** Up to where everything is published: all of `publishedTo`, and of the window after it the rows up to an id. */
export type Cursor = { publishedTo: string; window: { to: string; afterId: string } | undefined }
export type Lease = { name: string; owner: string; epoch: string; leaseMs: number }
export type Acquired =
  | { kind: 'owned'; lease: Lease; cursor: Cursor; restampedRows: number | undefined }
  | { kind: 'standby'; owner: string; freeInMs: number }

/**
 * Takes the cursor's lease where it is free, run out, or already this owner's. Each taking raises the epoch, which
 * fences off whoever held it before.
 */
export async function acquireLease(
  pool: Pool,
  name: string,
  owner: string,
  leaseMs: number,
): Promise<Acquired> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(
      'insert into relay_cursor (name, published_to) values ($1, $2) on conflict do nothing',
      [name, emptySnapshot],
    )
    const { rows } = await client.query(
      `select owner, published_to::text, window_to::text, window_after::text, system_id,
              (select system_identifier::text from pg_control_system()) as current_system_id,
              ceil(extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as free_in_ms
       from relay_cursor where name = $1 for update`,
      [name],
    )
    const [row] = rows
    if (row.owner !== null && row.owner !== owner && row.free_in_ms > 0) {
      await client.query('rollback')
      return { kind: 'standby', owner: row.owner, freeInMs: row.free_in_ms }
    }
    const isHere = row.system_id === row.current_system_id
    const stampedRows = isHere ? 0 : await stampForThisSystem(client)
    // One that nobody has owned yet names no cluster; rows from the future of this one tell.
    const isElsewhere = !isHere && (row.system_id !== null || stampedRows > 0)
    if (isElsewhere) await goBackToStart(client, name)
    const { rows: taken } = await client.query(
      `update relay_cursor set owner = $2, epoch = epoch + 1, system_id = $4,
              lease_until = clock_timestamp() + $3 * interval '1 ms'
       where name = $1 returning epoch::text`,
      [name, owner, leaseMs, row.current_system_id],
    )
    await client.query('commit')
    const cursor: Cursor = isElsewhere
      ? { publishedTo: emptySnapshot, window: undefined }
      : {
          publishedTo: row.published_to,
          window: row.window_to === null ? undefined : { to: row.window_to, afterId: row.window_after },
        }
    const lease = { name, owner, epoch: taken[0].epoch, leaseMs }
    return { kind: 'owned', lease, cursor, restampedRows: isElsewhere ? stampedRows : undefined }
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    client.release()
  }
}

/**
 * The database was dumped and read into another cluster, where transaction ids mean something else: rows from the
 * future of this cluster would be in every window, new ones would seem published. The former are stamped with an id of
 * now, and the cursor goes back to the start of what is retained.
 */
async function stampForThisSystem(client: PoolClient): Promise<number> {
  // By the index, also while the table has never been analysed.
  await client.query('set local enable_seqscan = off')
  const { rowCount } = await client.query(
    'update outbox set xid = pg_current_xact_id() where xid >= pg_snapshot_xmax(pg_current_snapshot())',
  )
  return rowCount ?? 0
}

async function goBackToStart(client: PoolClient, name: string): Promise<void> {
  await client.query(
    'update relay_cursor set published_to = $2, window_to = null, window_after = null where name = $1',
    [name, emptySnapshot],
  )
}

/** Stores the cursor and renews the lease. False when another owner has taken over: stop publishing at once. */
export async function storeCursor(pool: Pool, lease: Lease, cursor: Cursor): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update relay_cursor set published_to = $3, window_to = $4, window_after = $5, stored_at = clock_timestamp(),
            lease_until = clock_timestamp() + $6 * interval '1 ms'
     where name = $1 and epoch = $2`,
    [
      lease.name,
      lease.epoch,
      cursor.publishedTo,
      cursor.window?.to ?? null,
      cursor.window?.afterId ?? null,
      lease.leaseMs,
    ],
  )
  return rowCount === 1
}

/** Renews without storing, for an idle owner. False when another owner has taken over. */
export async function renewLease(pool: Pool, lease: Lease): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update relay_cursor set lease_until = clock_timestamp() + $3 * interval '1 ms' where name = $1 and epoch = $2`,
    [lease.name, lease.epoch, lease.leaseMs],
  )
  return rowCount === 1
}

/** Lets go, so that a standby need not wait for the lease to run out. */
export async function releaseLease(pool: Pool, lease: Lease): Promise<void> {
  await pool.query(
    `update relay_cursor set owner = null, lease_until = '-infinity' where name = $1 and epoch = $2`,
    [lease.name, lease.epoch],
  )
}
