import pg from 'pg'

const rowsAtOnce = 100_000

/**
 * Settled orders numbered from the first to the last, with all they leave behind; every thirtieth is cancelled. `onFilled`
 * hears of each hundred thousand.
 */
export async function fillShop(
  { orders, payments }: { orders: pg.ClientConfig; payments: pg.ClientConfig },
  first: number,
  last: number,
  users: number,
  onFilled?: (last: number) => void,
): Promise<void> {
  for (let from = first; from <= last; from += rowsAtOnce) {
    const to = Math.min(last, from + rowsAtOnce - 1)
    await write(orders, placed, [from, to, users])
    await write(orders, inboxOf('orders.settle'), [from, to])
    await write(payments, paid, [from, to, users])
    await write(payments, entries, [from, to, users])
    await write(payments, inboxOf('payments.debit'), [from, to])
    onFilled?.(to)
  }
}

/** As autovacuum will have done of any table of this age. */
export async function vacuum(databases: Record<string, pg.ClientConfig>): Promise<void> {
  for (const database of Object.values(databases)) await write(database, 'vacuum (analyze)', [])
}

/** Ids of the time before the benchmark, in the order of their numbers; the same in both databases. */
const orderId = (n: string) =>
  `(substr(lpad(to_hex(${n}), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex(${n}), 12, '0'), 9, 4) || '-7000-8000-000000000000')::uuid`
export const orderIdOf = (n: number): string => {
  const hex = n.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

const series = 'generate_series($1::int, $2::int) n'
const isCancelled = 'n % 30 = 0'

const placed = `
insert into orders (id, user_id, amount_minor, description, status, reason, created_at, updated_at, result_event_id)
select ${orderId('n')}, 1 + n % $3::int, 1050, 'Two books',
  case when ${isCancelled} then 'CANCELLED' else 'FINISHED' end,
  case when ${isCancelled} then 'insufficient_funds' end,
  now() - interval '1 day', now() - interval '1 day', 'event-' || n
from ${series}`

const paid = `
insert into payments (order_id, id, user_id, amount_minor, status, reason, task_event_id, created_at)
select ${orderId('n')}, uuidv7(), 1 + n % $3::int, 1050,
  case when ${isCancelled} then 'DECLINED' else 'COMPLETED' end,
  case when ${isCancelled} then 'insufficient_funds' end, 'event-' || n, now() - interval '1 day'
from ${series}`

const entries = `
insert into ledger_entries (user_id, id, kind, amount_minor, balance_after_minor, order_id, created_at)
select 1 + n % $3::int, uuidv7(), 'payment', -1050, 1000000, ${orderId('n')}, now() - interval '1 day'
from ${series} where not (${isCancelled})`

const inboxOf = (consumer: string) => `
insert into inbox (consumer, event_id, topic, "partition", "offset", published_at)
select '${consumer}', 'event-' || n, 'earlier', 0, n, now() - interval '1 day' from ${series}`

async function write(database: pg.ClientConfig, sql: string, values: number[]): Promise<void> {
  const client = new pg.Client(database)
  await client.connect()
  await client.query(sql, values)
  await client.end()
}
