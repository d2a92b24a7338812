import type { PoolClient, QueryResult } from 'pg'
import type { OutboxRow } from './envelope.ts'
import { parseSnapshot } from './snapshot.ts'

/**
 * The rows visible in snapshot `to` and not in snapshot `from`, in id order, page by page. A sequence is not commit
 * order, so ids alone would lose rows of transactions that drew theirs early and committed late; snapshots do not.
 * The texts are pg_snapshots.
 */
export type Window = { from: string; to: string; afterId: string; newFloor?: string }
export type Page = {
  rows: (OutboxRow & { id: string })[]
  window: Window
  timeline: string
  /** False where the page was ended by a bound: there may be more. */
  isLast: boolean
}
/** A page ends with its `rows`th row, or with the one that brings the payloads to `bytes`. */
export type PageBounds = { rows: number; bytes: number }

export const outboxColumns = `id::text, event_id, aggregate_type, aggregate_id, event_type, topic, key, payload::text, headers::text,
  created_at::text`

/** Takes the next snapshot and reads the first page of the window up to it. */
export async function openWindow(client: PoolClient, from: string, bounds: PageBounds): Promise<Page> {
  const { text, values } = windowQuery(from, bounds)
  const { rows } = await client.query(text, values)
  return firstPage(from, rows, bounds)
}

/** The statement of openWindow, for any connection, and what it makes of the answer. */
export function windowQuery(from: string, bounds: PageBounds): { text: string; values: unknown[] } {
  const { xmax, inProgress } = parseSnapshot(from)
  return {
    text: 'select * from outbox_window($1, $2, $3, $4)',
    values: [String(xmax), inProgress.map(String), bounds.rows, bounds.bytes],
  }
}

export function firstPage(from: string, rows: object[], bounds: PageBounds): Page {
  const found = (rows as (CountedRow & { snapshot: string; timeline: string })[]).filter(
    row => row.id !== null,
  )
  const { snapshot, timeline } = rows[0] as { snapshot: string; timeline: string }
  const window = { from, to: snapshot, afterId: found.at(-1)?.id ?? '0' }
  return { rows: found, window, timeline, isLast: isWithin(bounds, found) }
}

/** With the bytes of the page's payloads up to it. */
type CountedRow = Page['rows'][number] & { bytes: number }

const isWithin = (bounds: PageBounds, rows: CountedRow[]) =>
  rows.length < bounds.rows && (rows.at(-1)?.bytes ?? 0) < bounds.bytes

/**
 * Later pages go as text with their values in place (all are numbers that came from PostgreSQL), for two measured
 * reasons: a generic plan reads the primary key from its start (45 ms at 500,000 published rows, against 0.1 ms),
 * and setting, query and commit are one round trip. Without enable_seqscan = off, a table that was never analysed
 * is read whole.
 */
async function query(client: PoolClient, select: string): Promise<QueryResult> {
  const results = (await client.query(
    `begin read only; set local enable_seqscan = off; ${select}; commit`,
  )) as unknown as QueryResult[]
  return results[2] as QueryResult
}

/** The page after `afterId`. A window of one page never comes here. */
export async function nextPage(client: PoolClient, window: Window, bounds: PageBounds): Promise<Page> {
  const from = parseSnapshot(window.from)
  const newFloor = window.newFloor ?? (await floorOfNew(client, window))
  const isInWindow = `pg_visible_in_snapshot(xid, '${window.to}') and not pg_visible_in_snapshot(xid, '${window.from}')`
  // Above the floor the window's rows lie densely, and the primary key is the way: a page costs what it returns. The
  // condition names no transaction range, or an estimate gone wrong would sort the whole window for every page.
  const { rows } = await query(
    client,
    `select ${outboxColumns}, bytes::integer, left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline from (
       select *, sum(octet_length(payload::text)) over (order by found.id rows unbounded preceding) as bytes from (
         (select * from outbox where id > ${max(window.afterId, newFloor)} and ${isInWindow} order by id limit ${bounds.rows})
         union all
         (select * from outbox where xid = any ('{${from.inProgress}}') and id > ${window.afterId} and id <= ${newFloor}
            and ${isInWindow} order by id + 0 limit ${bounds.rows})
       ) as found order by found.id limit ${bounds.rows}
     ) as page where bytes - octet_length(payload::text) < ${bounds.bytes} order by page.id`,
  )
  const afterId = rows.at(-1)?.id ?? window.afterId
  return {
    rows,
    window: { ...window, newFloor, afterId },
    timeline: rows[0]?.timeline,
    isLast: isWithin(bounds, rows),
  }
}

/** Below this id, the window has rows of transactions that `from` saw in progress, and no others. */
async function floorOfNew(client: PoolClient, { from, to, afterId }: Window): Promise<string> {
  const isNew = `xid >= '${parseSnapshot(from).xmax}' and xid < '${parseSnapshot(to).xmax}'`
  // `id + 0` as above: the shortcut for a plain min() walks the primary key from its start.
  const { rows } = await query(client, `select (min(id + 0) - 1)::text as floor from outbox where ${isNew}`)
  return rows[0].floor ?? afterId
}

const max = (a: string, b: string) => (BigInt(a) > BigInt(b) ? a : b)
