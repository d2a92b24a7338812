import { sql, type Transaction } from 'kysely'
import { deferred } from 'messaging/round-trips'
import type { PaymentsDatabase } from '../database.ts'
import type { Payment, ReceivedTask } from './payment.ts'
import type { PaymentTask } from './payment-task.ts'

/** By user id. A user without an account is missing from the answer. Locks in one order, so a statement of its own. */
export async function lockBalances(
  trx: Transaction<PaymentsDatabase>,
  tasks: readonly ReceivedTask[],
): Promise<Map<number, bigint>> {
  const { rows } = await sql<{ user_id: bigint; balance_minor: bigint }>`
    select user_id, balance_minor from accounts
    where user_id = any (${tasks.map(({ userId }) => userId)}::bigint[])
    order by user_id
    for update`.execute(trx)
  return new Map(rows.map(row => [Number(row.user_id), row.balance_minor]))
}

/** What was asked for by the tasks whose orders have a payment already, by order id. */
export async function findPaid(
  trx: Transaction<PaymentsDatabase>,
  tasks: readonly ReceivedTask[],
): Promise<Map<string, PaymentTask>> {
  const { rows } = await sql<{ order_id: string; user_id: bigint; amount_minor: bigint }>`
    select order_id, user_id, amount_minor from payments
    where order_id = any (${tasks.map(({ orderId }) => orderId)}::uuid[])`.execute(trx)
  return new Map(
    rows.map(row => [
      row.order_id,
      { orderId: row.order_id, userId: Number(row.user_id), amountMinor: row.amount_minor },
    ]),
  )
}

/**
 * Writes payments, ledger entries and balances in one statement for 1 payment or 500, which travels with the next. The
 * caller holds the locks of the accounts. Where another transaction paid one of the orders meanwhile, it fails with a
 * serialization failure: the batch has to be decided again.
 */
export async function writePayments(
  trx: Transaction<PaymentsDatabase>,
  payments: readonly Payment[],
  now: Date,
): Promise<void> {
  const debits = payments.filter(payment => payment.status === 'COMPLETED')
  const balances = new Map(debits.map(({ task, balanceAfterMinor }) => [task.userId, balanceAfterMinor]))
  await deferred(sql`
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
      returning order_id
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
      -- Not for one that another transaction paid: its entry is there already, and one is all that an order may have.
      where order_id in (select order_id from written)
      order by turn
    ), balances as (
      update accounts set balance_minor = b.balance_minor, updated_at = ${now}
      from unnest(${[...balances.keys()]}::bigint[], ${[...balances.values()]}::bigint[]) as b (user_id, balance_minor)
      where accounts.user_id = b.user_id
    )
    select race_lost('another consumer paid an order of this batch; the batch is decided again')
    where (select count(*) from written) < ${payments.length}`).execute(trx)
}
