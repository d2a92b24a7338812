import type { PoolClient } from 'pg'
import type { Page, Window } from '../../messaging/src/claim-window.ts'
import { parseSnapshot } from '../../messaging/src/snapshot.ts'
import {
  type ModelConnection,
  type ModelDatabase,
  type ModelRead,
  modelOf,
  type OutboxRecord,
} from './database.ts'

const timeline = '00000001'

export async function openWindow(client: PoolClient, from: string, limit: number): Promise<Page> {
  const { call, db } = open(client)
  return call('read outbox, new window', () => newWindow(db, from, limit))
}

function newWindow(db: ModelDatabase, from: string, limit: number): Page {
  const to = db.snapshot()
  const rows = visibleRows(db, limit, ({ xid }) => !isIn(from, xid))
  return { rows, timeline, window: { from, to, afterId: rows.at(-1)?.id ?? '0' } }
}

/** In the place of parameters, what the statement does. */
export function windowQuery(from: string, limit: number) {
  const run: ModelRead = db => [newWindow(db, from, limit)]
  return { text: 'read outbox, window taken along', values: [run] }
}

export const firstPage = (_from: string, rows: object[]): Page => rows[0] as Page

export async function nextPage(client: PoolClient, window: Window, limit: number): Promise<Page> {
  const { call, db } = open(client)
  const { from, to, afterId } = window
  return call('read outbox, next page', () => {
    const rows = visibleRows(
      db,
      limit,
      ({ id, xid }) => id > BigInt(afterId) && isIn(to, xid) && !isIn(from, xid),
    )
    return { rows, timeline, window: { ...window, afterId: rows.at(-1)?.id ?? afterId } }
  })
}

function open(client: PoolClient) {
  const connection = modelOf<ModelConnection>(client)
  return { call: connection.call.bind(connection), db: connection.db }
}

/** Committed rows in id order, which is the order they were written in. */
function visibleRows(db: ModelDatabase, limit: number, isWanted: (row: OutboxRecord) => boolean) {
  const wanted = db.outbox.filter(row => db.isCommitted(row.xid) && isWanted(row)).slice(0, limit)
  // As the driver gives a bigint that was selected as text.
  return wanted.map(({ xid, ...row }) => ({ ...row, id: String(row.id) }) as unknown as Page['rows'][number])
}

/** pg_visible_in_snapshot() */
function isIn(snapshot: string, xid: bigint): boolean {
  const { xmax, inProgress } = parseSnapshot(snapshot)
  return xid < xmax && !inProgress.includes(xid)
}
