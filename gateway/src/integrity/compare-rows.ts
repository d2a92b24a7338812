import type { AgreedRow, Finding } from 'edge/integrity'

/**
 * What orders and payments disagree on, both sorted by id. Open orders are left out: whether they are late is a check
 * of its own, and a payment that is ahead of its order is the normal way. Pure.
 */
export function compareRows(orders: AgreedRow[], payments: AgreedRow[]): Finding[] {
  const unmatched = new Map(payments.map(row => [row.id, row]))
  const found: Finding[] = []
  for (const order of orders) {
    const payment = unmatched.get(order.id)
    unmatched.delete(order.id)
    if (order.outcome === 'OPEN') continue
    if (!payment) found.push(finding('order_without_payment', order.id, `order ${say(order)}, no payment`))
    else if (say(order) !== say(payment))
      found.push(finding('order_payment_differ', order.id, `order ${say(order)}, payment ${say(payment)}`))
  }
  for (const payment of unmatched.values()) {
    if (payment.is_ours)
      found.push(finding('payment_without_order', payment.id, `payment ${say(payment)}, no order`))
  }
  return found
}

const finding = (check: string, id: string, detail: string): Finding => ({ check, id, at: id, detail })
const say = ({ outcome, amount_minor, user_id }: AgreedRow) =>
  `${outcome} of ${amount_minor} minor units by user ${user_id}`
