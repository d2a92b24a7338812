import {
  type AgreedRows,
  findingsMax,
  noOrderId,
  type OrderSlice,
  rowsShownMax,
  sliceRowsMax,
} from 'edge/integrity'
import { digestOf, isForgotten } from 'edge/integrity-sql'
import { type Kysely, sql } from 'kysely'
import type { OrdersDatabase } from '../database.ts'
import { settleOrdersName } from '../orders/settle-orders.ts'

/** As payments says it, so that both can be compared. */
const outcome = sql`case status when 'FINISHED' then 'COMPLETED' when 'CANCELLED' then 'DECLINED ' || reason else 'OPEN' end`

/**
 * Checks the next orders after `after` and digests those that are settled: payments must have decided the same. A
 * settled order must have come from a result that the inbox remembers. Open orders are not looked at here: they
 * have their own check, by age.
 */
export async function checkOrders(
  db: Kysely<OrdersDatabase>,
  { after = noOrderId, until }: { after?: string; until: string },
  rowsMax = sliceRowsMax,
): Promise<OrderSlice> {
  const { rows } = await sql<{
    checked: number
    last: string
    agreed: number
    digest: string
    findings: OrderSlice['findings']
  }>`
    with slice as materialized (
      select id, user_id, amount_minor, status, ${outcome} as outcome, updated_at, result_event_id from orders
      where id > ${after} and id <= ${until} order by id limit ${rowsMax}
    ), wrong as (
      select id, result_event_id from slice
      where status in ('FINISHED', 'CANCELLED')
        and (result_event_id is null or ${isForgotten(settleOrdersName, sql`result_event_id`, sql`updated_at`)})
      order by id limit ${findingsMax}
    )
    select count(*)::int as checked,
      (select id::text from slice order by id desc limit 1) as last,
      count(*) filter (where outcome <> 'OPEN')::int as agreed,
      (select ${digestOf(sql`concat_ws('|', id, user_id, amount_minor, outcome)`)} from slice
       where outcome <> 'OPEN') as digest,
      (select coalesce(json_agg(json_build_object(
         'check', 'order_without_result', 'id', id, 'at', id,
         'detail', coalesce('its result ' || result_event_id || ' is not in the inbox', 'it names no result')
       ) order by id), '[]') from wrong) as findings
    from slice`.execute(db)
  const [row] = rows
  if (!row) throw new Error('unreachable: an aggregate answers one row')
  const isLast = row.checked < rowsMax
  return { ...row, until: isLast ? until : row.last, is_last: isLast }
}

/** The orders after `after` up to `until`, as payments must have decided them. */
export async function readAgreedOrders(
  db: Kysely<OrdersDatabase>,
  { after, until }: { after: string; until: string },
  rowsMax = rowsShownMax,
): Promise<AgreedRows> {
  const { rows } = await sql<AgreedRows['rows'][number]>`
    select id, user_id::text, amount_minor::text, ${outcome} as outcome, true as is_ours from orders
    where id > ${after} and id <= ${until} order by id limit ${rowsMax}`.execute(db)
  return { rows }
}
