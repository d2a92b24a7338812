import { openDatabase } from 'edge/postgres'
import type { Pool } from 'pg'
import type { CancelledOrder, Order, OrderStatus, Reason } from './orders/order.ts'

/** The tables this service asks for through Kysely; see migrations/orders and messaging/migrations. */
export type OrdersDatabase = {
  orders: OrdersTable
}

export type OrdersTable = {
  id: string
  user_id: bigint
  amount_minor: bigint
  description: string | null
  status: OrderStatus
  reason: Reason | null
  created_at: Date
  updated_at: Date
  result_event_id: string | null
}

export const openOrdersDatabase = (pool: Pool) => openDatabase<OrdersDatabase>(pool)

export function orderFromRow(row: Omit<OrdersTable, 'result_event_id'>): Order {
  const { id, description, status } = row
  const placed = {
    id,
    userId: Number(row.user_id),
    amountMinor: row.amount_minor,
    description,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
  // The table's own check says that a cancelled order has a reason and no other has one.
  if (status === 'CANCELLED') return { ...placed, status, reason: row.reason as CancelledOrder['reason'] }
  return { ...placed, status }
}
