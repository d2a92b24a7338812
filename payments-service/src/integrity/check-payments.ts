import { type AgreedRows, findingsMax, noOrderId, type OrderSlice, rowsShownMax } from 'edge/integrity'
import { digestOf, isForgotten } from 'edge/integrity-sql'
import { type Kysely, sql } from 'kysely'
import type { PaymentsDatabase } from '../database.ts'
import { debitAccountsName } from '../payments/debit-accounts.ts'

const outcome = sql`case status when 'COMPLETED' then 'COMPLETED' else 'DECLINED ' || reason end`

/** Other programs send tasks without an event id, and then the order id stands in for it: no order of ours. */
const isOurs = sql`task_event_id <> order_id::text`

/**
 * Checks the payments of the orders after `after` up to `until`, and digests what orders must agree on. A payment is
 * completed if and only if its account was debited, once, with its amount; and its task is in the inbox.
 */
export async function checkPayments(
  db: Kysely<PaymentsDatabase>,
  { after = noOrderId, until: wanted }: { after?: string; until: string },
  rowsMax = rowsShownMax,
): Promise<OrderSlice> {
  const until = await shorten(db, after, wanted, rowsMax)
  const { rows } = await sql<Pick<OrderSlice, 'checked' | 'agreed' | 'digest' | 'findings'>>`
    with paid as materialized (
      select order_id, user_id, amount_minor, status, ${outcome} as outcome, ${isOurs} as is_ours,
        ${isForgotten(debitAccountsName, sql`task_event_id`, sql`created_at`)} as is_without_task, task_event_id
      from payments where order_id > ${after} and order_id <= ${until} order by order_id
    ), debits as materialized (
      select order_id, count(*) as times, min(user_id) as user_id, sum(amount_minor) as amount_minor
      from ledger_entries where order_id is not null and order_id > ${after} and order_id <= ${until}
      group by order_id
    ), wrong as (
      select order_id, case
          when p.order_id is null then 'debit_without_payment'
          when p.status = 'COMPLETED' and d.order_id is null then 'payment_without_debit'
          else 'debit_differs' end as check,
        concat('payment ', coalesce(p.status || ' of ' || p.amount_minor || ', user ' || p.user_id, 'none'),
          '; debited ', coalesce(-d.amount_minor || ' in ' || d.times || ' entries, user ' || d.user_id, 'nothing'),
          '; in minor units') as detail
      from paid p full join debits d using (order_id)
      where (p.status is not distinct from 'COMPLETED') <> (d.order_id is not null)
        or d.times > 1 or d.amount_minor <> -p.amount_minor or d.user_id <> p.user_id
      union all
      select order_id, 'payment_without_task', 'its task ' || task_event_id || ' is not in the inbox'
      from paid where is_without_task
      order by order_id limit ${findingsMax}
    )
    select (select count(*)::int from paid) as checked,
      (select count(*)::int from paid where is_ours) as agreed,
      (select ${digestOf(sql`concat_ws('|', order_id, user_id, amount_minor, outcome)`)} from paid
       where is_ours) as digest,
      (select coalesce(json_agg(json_build_object('check', "check", 'id', order_id, 'at', order_id, 'detail', detail)
         order by order_id), '[]') from wrong) as findings`.execute(db)
  const [row] = rows
  if (!row) throw new Error('unreachable: this answers one row')
  return { ...row, until, is_last: until === wanted }
}

/** Payments without orders may lie here in any number, as after orders were put back to an older state. */
async function shorten(
  db: Kysely<PaymentsDatabase>,
  after: string,
  until: string,
  rowsMax: number,
): Promise<string> {
  const { rows } = await sql<{ order_id: string }>`
    select order_id from payments where order_id > ${after} and order_id <= ${until}
    order by order_id offset ${rowsMax - 1} limit 1`.execute(db)
  return rows[0]?.order_id ?? until
}

/** The payments of the orders after `after` up to `until`. */
export async function readAgreedPayments(
  db: Kysely<PaymentsDatabase>,
  { after, until }: { after: string; until: string },
  rowsMax = rowsShownMax,
): Promise<AgreedRows> {
  const { rows } = await sql<AgreedRows['rows'][number]>`
    select order_id as id, user_id::text, amount_minor::text, ${outcome} as outcome, ${isOurs} as is_ours
    from payments where order_id > ${after} and order_id <= ${until} order by order_id limit ${rowsMax}`.execute(
    db,
  )
  return { rows }
}
