import { sql, type Transaction } from 'kysely'
import { RaceLostError } from 'messaging/infrastructure-error'
import type { PaymentsDatabase } from '../database.ts'
import type { Payment } from './payment.ts'

/**
 * Writes payments, ledger entries and balances in one statement, one round trip for 1 payment or 500. The caller
 * holds the locks of the accounts. Throws RaceLostError where another transaction paid one of the orders
 * meanwhile: what was decided here after it rests on a balance that may not be so, and all is decided again.
 */
export async function writePayments(
  trx: Transaction<PaymentsDatabase>,
  payments: readonly Payment[],
  now: Date,
): Promise<void> {
  const debits = payments.filter(payment => payment.status === 'COMPLETED')
  const balances = new Map(debits.map(({ task, balanceAfterMinor }) => [task.userId, balanceAfterMinor]))
  const { rows } = await sql<{ written: number }>`
    with written as (
      insert into payments (order_id, id, user_id, amount_minor, status, reason, task_event_id, created_at)
      select order_id, id, user_id, amount_minor, status, reason, task_event_id, ${now}
      from unnest(
        ${payments.map(({ task }) => task.orderId)}::uuid[],
        ${payments.map(({ id }) => id)}::uuid[],
        ${payments.map(({ task }) => task.userId)}::bigint[],
        ${payments.map(({ task }) => task.amountMinor)}::bigint[],
        ${payments.map(({ status }) => status)}::text[],
        ${payments.map(payment => (payment.status === 'DECLINED' ? payment.reason : null))}::text[],
        ${payments.map(({ task }) => task.eventId)}::text[]
      ) as p (order_id, id, user_id, amount_minor, status, reason, task_event_id)
      order by order_id
      on conflict (order_id) do nothing
      returning 1
    ), entries as (
      insert into ledger_entries (user_id, id, kind, amount_minor, balance_after_minor, order_id, created_at)
      select user_id, id, 'payment', -amount_minor, balance_after_minor, order_id, ${now}
      from unnest(
        ${debits.map(({ task }) => task.userId)}::bigint[],
        ${debits.map(({ entryId }) => entryId)}::uuid[],
        ${debits.map(({ task }) => task.amountMinor)}::bigint[],
        ${debits.map(({ balanceAfterMinor }) => balanceAfterMinor)}::bigint[],
        ${debits.map(({ task }) => task.orderId)}::uuid[]
      ) with ordinality as e (user_id, id, amount_minor, balance_after_minor, order_id, turn)
      order by turn
    ), balances as (
      update accounts set balance_minor = b.balance_minor, updated_at = ${now}
      from unnest(${[...balances.keys()]}::bigint[], ${[...balances.values()]}::bigint[]) as b (user_id, balance_minor)
      where accounts.user_id = b.user_id
    )
    select count(*)::int as written from written`.execute(trx)
  if (rows[0]?.written !== payments.length) {
    throw new RaceLostError('Another consumer paid an order of this batch; the batch is decided again')
  }
}
