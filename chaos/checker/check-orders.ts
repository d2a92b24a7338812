import type { Operation } from './check.ts'
import type { FinalState, OrderRow, Violation } from './state.ts'

/** Each acknowledged order is there once and as asked for; each order has its one payment, and they agree. */
export function checkOrders(operations: Operation[], state: FinalState): Violation[] {
  const violations: Violation[] = []
  const users = new Set(operations.map(({ user }) => user))
  const asked = operations.filter(({ act }) => act === 'place_order')
  const ops = new Set(asked.map(({ op }) => op))
  const byOp = Map.groupBy(state.orders, ({ op }) => op)
  const byId = new Map(state.orders.map(order => [order.id, order]))

  for (const operation of asked) violations.push(...checkPlaced(operation, byOp.get(operation.op) ?? []))
  const paid = Map.groupBy(state.payments, ({ order }) => order)
  for (const order of state.orders) {
    const about = { user: order.user, order: order.id }
    if (!ops.has(order.op ?? '') && users.has(order.user)) {
      violations.push({ ...about, kind: 'order_from_nowhere', detail: 'nobody asked for this order' })
    }
    const payments = paid.get(order.id) ?? []
    if (order.status !== 'FINISHED' && order.status !== 'CANCELLED') {
      violations.push({ ...about, kind: 'order_unsettled', detail: `its status is ${order.status}` })
    } else if (payments.length === 0) {
      violations.push({ ...about, kind: 'payment_missing', detail: `${order.status} without a payment` })
    }
    if (payments.length > 1) {
      violations.push({ ...about, kind: 'payment_doubled', detail: `${payments.length} payments` })
    }
    for (const payment of payments) {
      const expected = `${order.user} ${order.amount} ${statusOfPayment(order)} ${order.reason}`
      const actual = `${payment.user} ${payment.amount} ${payment.status} ${payment.reason}`
      if (actual !== expected && order.status !== 'NEW') {
        const detail = `the order is ${order.status} (${expected}), its payment ${actual}`
        violations.push({ ...about, kind: 'status_disagrees', detail })
      }
    }
  }
  for (const { order, user } of state.payments) {
    if (byId.has(order)) continue
    violations.push({ kind: 'payment_from_nowhere', user, order, detail: 'a payment of no order' })
  }
  return violations
}

const statusOfPayment = ({ status }: OrderRow) => (status === 'FINISHED' ? 'COMPLETED' : 'DECLINED')

function checkPlaced(operation: Operation, found: OrderRow[]): Violation[] {
  const { op, user, amount, outcome, orders: ids } = operation
  const violations: Violation[] = []
  const add = (kind: Violation['kind'], detail: string, order = found[0]?.id ?? ids[0]) =>
    violations.push({ kind, user, ...(order && { order }), detail: `${detail} (operation ${op})` })
  if (ids.length > 1) add('answers_differ', `acknowledged as ${ids.join(' and ')}`)
  if (found.length > 1)
    add('order_doubled', `${found.length} orders: ${found.map(({ id }) => id).join(', ')}`)
  for (const id of ids) {
    if (!found.some(order => order.id === id)) add('order_lost', 'acknowledged, and not there', id)
  }
  if (outcome === 'refused' && found.length > 0) add('refused_but_done', 'refused, and there all the same')
  for (const order of found) {
    if (order.user === user && order.amount === amount) continue
    add(
      'order_changed',
      `asked for user ${user}, amount ${amount}; there is user ${order.user}, ${order.amount}`,
    )
  }
  return violations
}
