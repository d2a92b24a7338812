import { type Kysely, sql } from 'kysely'
import type { OrdersDatabase } from '../database.ts'

export type OrderCounts = {
  total: number
  open: number
  finished: number
  cancelled: number
  isEstimate: boolean
}

/** Up to here counting takes milliseconds: 16 MiB are some 100,000 orders. */
const countedBytesMax = 16 * 1024 * 1024
const openMax = 100_000

/**
 * Orders by status without a scan of the table: counted while it is small; then the open ones are counted in their
 * partial index (at most 100,000), and the others are the estimates that autovacuum keeps of the table and of the
 * partial index of the cancelled ones.
 */
export async function readOrderCounts(
  db: Kysely<OrdersDatabase>,
  bytesMax = countedBytesMax,
): Promise<OrderCounts> {
  const { rows } = await sql<{ bytes: string; total: number; cancelled: number; open: number }>`
    select pg_relation_size('orders')::text as bytes,
      (select greatest(reltuples, 0)::float8 from pg_class where oid = 'orders'::regclass) as total,
      (select greatest(reltuples, 0)::float8 from pg_class where oid = 'orders_cancelled'::regclass) as cancelled,
      (select count(*)::int from (
         select from orders where status in ('NEW', 'PENDING_PAYMENT') limit ${openMax}) as few) as open`.execute(
    db,
  )
  const [row] = rows
  if (!row) throw new Error('unreachable: this answers one row')
  if (Number(row.bytes) <= bytesMax) return countAll(db)
  const { open } = row
  const cancelled = Math.round(row.cancelled)
  const total = Math.max(Math.round(row.total), open + cancelled)
  return { total, open, finished: total - open - cancelled, cancelled, isEstimate: true }
}

async function countAll(db: Kysely<OrdersDatabase>): Promise<OrderCounts> {
  const { rows } = await sql<{ total: number; finished: number; cancelled: number }>`
    select count(*)::int as total, count(*) filter (where status = 'FINISHED')::int as finished,
      count(*) filter (where status = 'CANCELLED')::int as cancelled
    from orders`.execute(db)
  const { total = 0, finished = 0, cancelled = 0 } = rows[0] ?? {}
  return { total, open: total - finished - cancelled, finished, cancelled, isEstimate: false }
}
