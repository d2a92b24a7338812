import { handledMessage } from 'edge/handled-message'
import { findPutAside } from 'edge/put-aside'
import type { Hop, Timeline } from 'edge/timeline'
import { type Kysely, sql } from 'kysely'
import { type OrdersDatabase, orderFromRow } from '../database.ts'
import { isSettled, type Order, type OrderStatus } from './order.ts'
import { resultsTopic, settleOrdersName } from './settle-orders.ts'

const columns = [
  'orders.id',
  'orders.user_id',
  'orders.amount_minor',
  'orders.description',
  'orders.status',
  'orders.reason',
  'orders.created_at',
  'orders.updated_at',
] as const

/**
 * Newest first: at most `limit` orders that are older than `before`. All values are literals, so that the list is planned
 * for them: a rare status is found by its partial index, and one who ordered once by the index of users, where a
 * plan for anybody would walk all orders.
 */
export async function listOrders(
  db: Kysely<OrdersDatabase>,
  wanted: { userId?: number; status?: OrderStatus; before?: string; limit: number },
): Promise<Order[]> {
  const { userId, status, before, limit } = wanted
  let query = db.selectFrom('orders').select(columns).orderBy('id', 'desc').limit(sql.lit(limit))
  if (userId !== undefined) query = query.where('user_id', '=', sql.lit(BigInt(userId)))
  if (status !== undefined) query = query.where('status', '=', sql.lit(status))
  if (before !== undefined) query = query.where('id', '<', sql.lit(before))
  return (await query.execute()).map(orderFromRow)
}

export async function findOrder(db: Kysely<OrdersDatabase>, id: string): Promise<Order | undefined> {
  const row = await db.selectFrom('orders').select(columns).where('id', '=', id).executeTakeFirst()
  return row && orderFromRow(row)
}

const awaited: Hop[] = [
  { hop: 'published', service: 'orders-service', at: null },
  { hop: 'received', service: 'payments-service', at: null },
]

const detail =
  'A result of the payment of this order was discarded: what payments decided stands, debited or not. Unless another ' +
  'result comes, the order stays open until somebody acts. To settle it, send the result to ' +
  `${resultsTopic} again under a new event id.`

/** What this service knows of the order's way; when its message was published and paid, payments knows. */
export async function findTimeline(db: Kysely<OrdersDatabase>, id: string): Promise<Timeline | undefined> {
  const row = await db
    .selectFrom('orders')
    .leftJoin(handledMessage(settleOrdersName, 'orders.result_event_id'), join => join.onTrue())
    .select([...columns, 'inbox.topic', 'inbox.partition', 'inbox.offset', 'inbox.published_at'])
    .where('orders.id', '=', id)
    .executeTakeFirst()
  if (!row) return undefined
  const order = orderFromRow(row)
  const service = 'orders-service'
  const about = { consumer: settleOrdersName, topic: resultsTopic, orderId: order.id, detail }
  const result = isSettled(order) ? undefined : await findPutAside(db, { service: 'orders', ...about })
  const { topic, partition, offset, published_at } = result?.message ?? row
  return {
    order_id: order.id,
    hops: [
      { hop: 'accepted', service, at: order.createdAt.toISOString() },
      // Payments knows when these happened; that they have is certain here only once the order is settled.
      ...(isSettled(order) ? [] : awaited),
      {
        hop: 'result_published',
        service: 'payments-service',
        at: published_at?.toISOString() ?? null,
        ...(topic !== null &&
          partition !== null &&
          offset !== null && { topic, partition, offset: Number(offset) }),
      },
      { hop: 'settled', service, at: isSettled(order) ? order.updatedAt.toISOString() : null },
    ],
    ...(result?.discarded && { discarded: result.discarded }),
  }
}
