import { findingsMax, type Slice, sliceRowsMax } from 'edge/integrity'
import { type Kysely, sql } from 'kysely'
import type { PaymentsDatabase } from '../database.ts'

/*
 * Every balance is the sum of its ledger, shown in two walks of bounded steps, since the entries of one account may
 * be millions: each entry carries on from the balance that the one before it left (checkLedger), and the account
 * has the balance that its last entry left (checkAccounts). So the sums of all deposits, withdrawals and payments
 * add up to the balances, too. Each step is one statement, hence one snapshot: what is being written is whole or not there.
 */

type Row = Pick<Slice, 'checked' | 'findings'> & { last: string | null }

const endOf = ({ last, checked, findings }: Row, after: string, rowsMax: number): Slice => ({
  checked,
  findings,
  until: last ?? after,
  is_last: checked < rowsMax,
})

/** The places of accounts sort as texts, like all places. */
const place = sql`lpad(user_id::text, 16, '0')`
export const firstAccount = '0'.repeat(16)

export async function checkAccounts(
  db: Kysely<PaymentsDatabase>,
  after = firstAccount,
  rowsMax = sliceRowsMax,
): Promise<Slice> {
  const { rows } = await sql<Row>`
    with slice as materialized (
      select user_id, balance_minor from accounts where user_id > ${after}::bigint order by user_id limit ${rowsMax}
    ), wrong as (
      select * from (
        select user_id, balance_minor, coalesce((
            select balance_after_minor from ledger_entries e where e.user_id = slice.user_id
            order by position desc limit 1), 0) as left_minor
        from slice
      ) as compared where balance_minor <> left_minor order by user_id limit ${findingsMax}
    )
    select count(*)::int as checked, (select ${place} from slice order by user_id desc limit 1) as last,
      (select coalesce(json_agg(json_build_object(
         'check', 'balance_differs', 'id', user_id::text, 'at', ${place},
         'detail', concat('balance ', balance_minor, ', its ledger leaves ', left_minor, ', in minor units')
       ) order by user_id), '[]') from wrong) as findings
    from slice`.execute(db)
  return endOf(rows[0] as Row, after, rowsMax)
}

export const firstEntry = `${firstAccount}/${'0'.repeat(19)}`

export async function checkLedger(
  db: Kysely<PaymentsDatabase>,
  after = firstEntry,
  rowsMax = sliceRowsMax,
): Promise<Slice> {
  const [userId = '', position = ''] = after.split('/')
  const entryPlace = sql`lpad(user_id::text, 16, '0') || '/' || lpad(position::text, 19, '0')`
  const { rows } = await sql<Row>`
    with slice as materialized (
      select user_id, position, amount_minor, balance_after_minor from ledger_entries
      where (user_id, position) > (${userId}::bigint, ${position}::bigint)
      order by user_id, position limit ${rowsMax}
    ), carried as (
      -- The first account may have begun before this slice.
      select *, coalesce(lag(balance_after_minor) over (partition by user_id order by position),
        case when user_id = ${userId}::bigint then (
          select balance_after_minor from ledger_entries e
          where e.user_id = slice.user_id and e.position <= ${position}::bigint order by position desc limit 1) end,
        0) as before_minor
      from slice
    ), wrong as (
      select user_id, position, concat('the entry at position ', position, ' makes ', balance_after_minor, ' of ',
          before_minor, ' and ', amount_minor, ', in minor units') as detail
      from carried where balance_after_minor <> before_minor + amount_minor
      union all
      select user_id, max(position), 'there are entries and no account' from slice
      group by user_id having not exists (select from accounts a where a.user_id = slice.user_id)
      order by user_id, position limit ${findingsMax}
    )
    select count(*)::int as checked,
      (select ${entryPlace} from slice order by user_id desc, position desc limit 1) as last,
      (select coalesce(json_agg(json_build_object(
         'check', 'ledger_broken', 'id', user_id::text, 'at', ${entryPlace}, 'detail', detail
       ) order by user_id, position), '[]') from wrong) as findings
    from slice`.execute(db)
  return endOf(rows[0] as Row, after, rowsMax)
}
