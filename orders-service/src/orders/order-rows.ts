import { sql, type Transaction } from 'kysely'
import { deferred } from 'messaging/round-trips'
import { type OrdersDatabase, orderFromRow } from '../database.ts'
import type { Order, OrderSettled } from './order.ts'

export type SettledRow = { event: OrderSettled; resultEventId: string }

export async function insertOrders(trx: Transaction<OrdersDatabase>, orders: Order[]): Promise<void> {
  if (orders.length === 0) return
  await deferred(sql`
    insert into orders (id, user_id, amount_minor, description, status, created_at, updated_at)
    select * from unnest(
      ${orders.map(({ id }) => id)}::uuid[],
      ${orders.map(({ userId }) => userId)}::bigint[],
      ${orders.map(({ amountMinor }) => amountMinor)}::bigint[],
      ${orders.map(({ description }) => description)}::text[],
      ${orders.map(({ status }) => status)}::text[],
      ${orders.map(({ createdAt }) => createdAt)}::timestamptz[],
      ${orders.map(({ updatedAt }) => updatedAt)}::timestamptz[])`).execute(trx)
}

/** Sorted, so that two transactions that want the same orders wait for each other instead of deadlocking. */
export async function lockOrders(
  trx: Transaction<OrdersDatabase>,
  ids: Set<string>,
): Promise<Map<string, Order>> {
  const { rows } = await sql<Parameters<typeof orderFromRow>[0]>`
    select id, user_id, amount_minor, description, status, reason, created_at, updated_at from orders
    where id = any (${[...ids]}::uuid[])
    order by id
    for update`.execute(trx)
  return new Map(rows.map(row => [row.id, orderFromRow(row)]))
}

export async function updateOrders(trx: Transaction<OrdersDatabase>, settled: SettledRow[]): Promise<void> {
  const orders = settled.map(({ event }) => event.order)
  await deferred(sql`
    update orders
    set status = s.status, reason = s.reason, updated_at = s.updated_at, result_event_id = s.result_event_id
    from unnest(
      ${orders.map(({ id }) => id)}::uuid[],
      ${orders.map(({ status }) => status)}::text[],
      ${orders.map(order => (order.status === 'CANCELLED' ? order.reason : null))}::text[],
      ${orders.map(({ updatedAt }) => updatedAt)}::timestamptz[],
      ${settled.map(({ resultEventId }) => resultEventId)}::text[]
    ) as s (id, status, reason, updated_at, result_event_id)
    where orders.id = s.id`).execute(trx)
}
