import type { PoolClient } from 'pg'
import type { Page, PageBounds, Window } from '../../messaging/src/claim-window.ts'
import { parseSnapshot } from '../../messaging/src/snapshot.ts'
import {
  type ModelConnection,
  type ModelDatabase,
  type ModelRead,
  modelOf,
  type OutboxRecord,
} from './database.ts'

const timeline = '00000001'

export async function openWindow(client: PoolClient, from: string, bounds: PageBounds): Promise<Page> {
  const { call, db } = open(client)
  return call('read outbox, new window', () => newWindow(db, from, bounds))
}

function newWindow(db: ModelDatabase, from: string, bounds: PageBounds): Page {
  const to = db.snapshot()
  const { rows, isLast } = readPage(db, bounds, ({ xid }) => !isIn(from, xid))
  return { rows, isLast, timeline, window: { from, to, afterId: rows.at(-1)?.id ?? '0' } }
}

/** In the place of parameters, what the statement does. */
export function windowQuery(from: string, bounds: PageBounds) {
  const run: ModelRead = db => [newWindow(db, from, bounds)]
  return { text: 'read outbox, window taken along', values: [run] }
}

export const firstPage = (_from: string, rows: object[]): Page => rows[0] as Page

export async function nextPage(client: PoolClient, window: Window, bounds: PageBounds): Promise<Page> {
  const { call, db } = open(client)
  const { from, to, afterId } = window
  return call('read outbox, next page', () => {
    const { rows, isLast } = readPage(
      db,
      bounds,
      ({ id, xid }) => id > BigInt(afterId) && isIn(to, xid) && !isIn(from, xid),
    )
    return { rows, isLast, timeline, window: { ...window, afterId: rows.at(-1)?.id ?? afterId } }
  })
}

function open(client: PoolClient) {
  const connection = modelOf<ModelConnection>(client)
  return { call: connection.call.bind(connection), db: connection.db }
}

/** Committed rows in id order, which is the order they were written in. */
function readPage(db: ModelDatabase, bounds: PageBounds, isWanted: (row: OutboxRecord) => boolean) {
  const rows: Page['rows'] = []
  let bytes = 0
  for (const { xid, ...row } of db.outbox) {
    if (!db.isCommitted(xid) || !isWanted({ xid, ...row })) continue
    // As the driver gives a bigint that was selected as text.
    rows.push({ ...row, id: String(row.id) } as unknown as Page['rows'][number])
    bytes += Buffer.byteLength(row.payload)
    if (rows.length >= bounds.rows || bytes >= bounds.bytes) return { rows, isLast: false }
  }
  return { rows, isLast: true }
}

/** pg_visible_in_snapshot() */
function isIn(snapshot: string, xid: bigint): boolean {
  const { xmax, inProgress } = parseSnapshot(snapshot)
  return xid < xmax && !inProgress.includes(xid)
}
