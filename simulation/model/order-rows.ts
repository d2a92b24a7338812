import type { Transaction } from 'kysely'
import type { OrdersDatabase } from '../../orders-service/src/database.ts'
import type { Order } from '../../orders-service/src/orders/order.ts'
import type { SettledRow } from '../../orders-service/src/orders/order-rows.ts'
import { type ModelTransaction, modelOf } from './database.ts'

export async function insertOrders(given: Transaction<OrdersDatabase>, orders: Order[]): Promise<void> {
  const trx = modelOf<ModelTransaction>(given)
  await trx.statement('insert orders')
  for (const order of orders) trx.set(`orders/${order.id}`, order)
}

export async function lockOrders(given: Transaction<OrdersDatabase>, ids: Set<string>) {
  const trx = modelOf<ModelTransaction>(given)
  await trx.statement('lock orders')
  const orders = new Map<string, Order>()
  for (const id of [...ids].filter(id => trx.get(`orders/${id}`)).sort()) {
    await trx.lock(`orders/${id}`)
    orders.set(id, trx.get<Order>(`orders/${id}`) as Order)
  }
  return orders
}

export async function updateOrders(given: Transaction<OrdersDatabase>, settled: SettledRow[]): Promise<void> {
  const trx = modelOf<ModelTransaction>(given)
  await trx.statement(`settle ${settled.map(({ event }) => event.order.id.slice(-4))}`)
  for (const { event } of settled) trx.set(`orders/${event.order.id}`, event.order)
}
