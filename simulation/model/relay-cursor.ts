import type { Pool } from 'pg'
import type { Acquired, Cursor, Lease } from '../../messaging/src/relay-cursor.ts'
import { emptySnapshot } from '../../messaging/src/snapshot.ts'
import { type ModelConnection, modelOf } from './database.ts'

export type CursorRow = { cursor: Cursor; owner: string | undefined; epoch: number; leaseUntil: number }

export async function acquireLease(
  pool: Pool,
  name: string,
  owner: string,
  leaseMs: number,
): Promise<Acquired> {
  const { db, call } = open(pool)
  return call('acquire lease', () => {
    const nowMs = db.scheduler.nowMs
    const row = db.cursors.get(name) ?? {
      cursor: { publishedTo: emptySnapshot, window: undefined },
      owner: undefined,
      epoch: 0,
      leaseUntil: Number.NEGATIVE_INFINITY,
    }
    const freeInMs = row.leaseUntil - nowMs
    if (row.owner !== undefined && row.owner !== owner && freeInMs > 0) {
      return { kind: 'standby', owner: row.owner, freeInMs }
    }
    const epoch = row.epoch + 1
    db.cursors.set(name, { ...row, owner, epoch, leaseUntil: nowMs + leaseMs })
    return {
      kind: 'owned',
      lease: { name, owner, epoch: String(epoch), leaseMs },
      cursor: row.cursor,
      restampedRows: undefined,
    }
  })
}

export const storeCursor = (pool: Pool, lease: Lease, cursor: Cursor): Promise<boolean> =>
  change(pool, lease, 'store cursor', nowMs => ({ cursor, leaseUntil: nowMs + lease.leaseMs }))

export const renewLease = (pool: Pool, lease: Lease): Promise<boolean> =>
  change(pool, lease, 'renew lease', nowMs => ({ leaseUntil: nowMs + lease.leaseMs }))

export async function releaseLease(pool: Pool, lease: Lease): Promise<void> {
  await change(pool, lease, 'release lease', () => ({
    owner: undefined,
    leaseUntil: Number.NEGATIVE_INFINITY,
  }))
}

function change(pool: Pool, lease: Lease, what: string, update: (nowMs: number) => Partial<CursorRow>) {
  const { db, call } = open(pool)
  return call(what, () => {
    const row = db.cursors.get(lease.name)
    if (String(row?.epoch) !== lease.epoch) return false
    db.cursors.set(lease.name, { ...(row as CursorRow), ...update(db.scheduler.nowMs) })
    return true
  })
}

function open(pool: Pool) {
  const connection = modelOf<ModelConnection>(pool)
  return { call: connection.call.bind(connection), db: connection.db }
}
