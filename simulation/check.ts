import type { Order } from '../orders-service/src/orders/order.ts'
import { statusTopic, tasksTopic } from '../orders-service/src/orders/order-events.ts'
import { resultsTopic, settleOrdersName } from '../orders-service/src/orders/settle-orders.ts'
import { debitAccountsName } from '../payments-service/src/payments/debit-accounts.ts'
import type { Payment } from '../payments-service/src/payments/payment.ts'
import type { ModelDatabase } from './model/database.ts'
import type { Stored } from './model/kafka.ts'
import { poisonId } from './nemesis.ts'
import { type Shop, users } from './shop.ts'

/**
 * What is wrong with a shop that has come to rest; empty when nothing is. The model it is held against: the orders of
 * a user, one after another, each paid where the balance allows; up to a message that could not be handled, behind
 * which the rest of its key waits.
 */
export function violations(shop: Shop): string[] {
  const found: string[] = []
  const expect = (isSo: boolean, what: string) => void (isSo || found.push(what))
  for (const id of shop.acknowledged) {
    expect(shop.orders.rows.has(`orders/${id}`), `order ${id} was acknowledged and is not there`)
  }
  for (const user of users) checkUser(shop, user, expect)
  return found
}

type Expect = (isSo: boolean, what: string) => void

function checkUser({ orders, payments, kafka, openingBalances }: Shop, user: number, expect: Expect): void {
  const tasks = published(orders, tasksTopic, user)
  const toPay = arrived(kafka.log(tasksTopic), tasks, user, expect)
  const opening = openingBalances.get(user)
  let balance = opening ?? 0n
  for (const { aggregate_id: id } of toPay) {
    const { amountMinor } = orders.rows.get(`orders/${id}`) as Order
    const isPaid = amountMinor <= balance
    if (isPaid) balance -= amountMinor
    const payment = payments.rows.get(`payments/${id}`) as Payment | undefined
    const status = isPaid ? 'COMPLETED' : 'DECLINED'
    expect(payment?.status === status, `payment of ${id} is ${payment?.status}, not ${status}`)
  }
  const entries = ofTable<{ userId: number; amountMinor: bigint }>(payments, 'ledger_entries').filter(
    entry => entry.userId === user,
  )
  const sum = entries.reduce((total, { amountMinor }) => total + amountMinor, opening ?? 0n)
  const kept = payments.rows.get(`accounts/${user}`)
  expect(
    kept === (opening === undefined ? undefined : balance),
    `balance of user ${user} is ${kept}, not ${balance}`,
  )
  expect(sum === balance, `ledger of user ${user} adds up to ${sum}, not ${balance}`)
  expectEffects(payments, debitAccountsName, toPay, expect)
  expectWaiting(payments, debitAccountsName, tasks.slice(toPay.length), expect)

  const results = published(payments, resultsTopic, user)
  expectSame(idsOf(results), idsOf(toPay), `results of user ${user}`, expect)
  const toSettle = arrived(kafka.log(resultsTopic), results, user, expect)
  expectEffects(orders, settleOrdersName, toSettle, expect)
  expectWaiting(orders, settleOrdersName, results.slice(toSettle.length), expect)
  const settled = new Set(idsOf(toSettle))
  for (const { aggregate_id: id } of tasks) {
    const order = orders.rows.get(`orders/${id}`) as Order
    const payment = payments.rows.get(`payments/${id}`) as Payment | undefined
    const status = settled.has(id) ? (payment?.status === 'COMPLETED' ? 'FINISHED' : 'CANCELLED') : 'NEW'
    expect(order.status === status, `order ${id} is ${order.status}, not ${status}`)
  }
  const updates = published(orders, statusTopic, user)
  expectSame(idsOf(updates), [...settled], `status updates of user ${user}`, expect)
  arrived(kafka.log(statusTopic), updates, user, expect)
}

type Published = ReturnType<typeof published>

/** What a service has committed to publish under a key, in order. */
const published = (db: ModelDatabase, topic: string, user: number) =>
  db.outbox.filter(row => row.topic === topic && row.key === String(user) && db.isCommitted(row.xid))

/** The first arrivals of a key must be what was committed, in its order. Answers those before a poisoned message. */
function arrived(log: Stored[][], rows: Published, user: number, expect: Expect): Published {
  const messages = log.flat().filter(({ key }) => key === String(user))
  const ids = messages.flatMap(({ headers }) => headers.ce_id ?? [])
  const first = [...new Set(ids)].filter(id => id !== poisonId)
  expectSame(
    first,
    rows.map(({ event_id }) => event_id),
    `arrivals of user ${user}`,
    expect,
  )
  const poisonAt = ids.indexOf(poisonId)
  const before = new Set(poisonAt === -1 ? ids : ids.slice(0, poisonAt))
  return rows.filter(({ event_id }) => before.has(event_id))
}

/** Each message had its effect once, in the order of arrival. */
function expectEffects(db: ModelDatabase, consumer: string, rows: Published, expect: Expect): void {
  const wanted = rows.map(({ event_id }) => `effects/${consumer}/${event_id}`)
  const found = db.history.flatMap(({ key }) => (wanted.includes(key) ? [key] : []))
  expectSame(found, wanted, 'effects', expect)
}

function expectWaiting(db: ModelDatabase, consumer: string, rows: Published, expect: Expect): void {
  for (const { event_id } of rows) {
    const letter = db.rows.get(`dead_letters/${consumer}/${event_id}`) as { state: string } | undefined
    expect(letter?.state === 'waiting', `${event_id} does not wait behind the poisoned message of its key`)
  }
}

function expectSame(found: string[], wanted: string[], what: string, expect: Expect): void {
  expect(found.join() === wanted.join(), `${what} are [${found}], not [${wanted}]`)
}

const idsOf = (rows: Published) => rows.map(({ aggregate_id }) => aggregate_id)

const ofTable = <Row>(db: ModelDatabase, table: string): Row[] =>
  [...db.rows].flatMap(([key, row]) => (key.startsWith(`${table}/`) ? [row as Row] : []))
