import { retainOnce } from 'messaging/retention'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { expectSound, type Found, foundIn, openShop, type Shop } from './integrity-fixture.ts'

let shop: Shop
let userId: number
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop?.close())
beforeEach(async () => {
  userId = await shop.newUser()
  shop.logged.length = 0
})

type Order = Awaited<ReturnType<Shop['settledOrder']>>

/** How each rule is broken, what must be said of it, and how it is healed. */
type Violation = {
  it: string
  order?: () => Promise<Order>
  plant?: (order: Order) => Promise<unknown>
  expected: (order: Order) => Found[]
  heal: (order: Order) => Promise<unknown>
}
const about = (check: Found['check']) => (order: Order) => [{ check, id: order.id }]
const aboutUser = (check: Found['check']) => () => [{ check, id: String(userId) }]
const entry = (order: Order) => `ledger_entries where order_id = '${order.id}'`
const keep = (table: string, where: string) =>
  `create table kept as select * from ${table} where ${where}; delete from ${table} where ${where}`
const restore = (table: string) =>
  table === 'ledger_entries'
    ? 'insert into ledger_entries overriding system value select * from kept; drop table kept'
    : `insert into ${table} select * from kept; drop table kept`

const violations: Violation[] = [
  {
    it: 'an order whose task never reached payments',
    order: () => shop.place(userId),
    expected: about('order_not_paid'),
    async heal(order) {
      await shop.pay(order)
      await shop.settle(order)
    },
  },
  {
    it: 'a payment whose result never settled its order',
    async order() {
      const order = await shop.place(userId)
      await shop.pay(order)
      return order
    },
    expected: about('result_not_settled'),
    heal: order => shop.settle(order),
  },
  {
    it: 'a payment that is gone, with its debit left over',
    plant: ({ id }) => shop.inPayments(keep('payments', `order_id = '${id}'`)),
    expected: order => [...about('order_without_payment')(order), ...about('debit_without_payment')(order)],
    heal: () => shop.inPayments(restore('payments')),
  },
  {
    it: 'an order that is gone after it was paid',
    plant: ({ id }) => shop.inOrders(keep('orders', `id = '${id}'`)),
    expected: about('payment_without_order'),
    heal: () => shop.inOrders(restore('orders')),
  },
  {
    it: 'an order that is CANCELLED though it was paid',
    plant: ({ id }) =>
      shop.inOrders(
        `update orders set status = 'CANCELLED', reason = 'insufficient_funds' where id = '${id}'`,
      ),
    expected: about('order_payment_differ'),
    heal: ({ id }) =>
      shop.inOrders(`update orders set status = 'FINISHED', reason = null where id = '${id}'`),
  },
  {
    it: 'an order of another amount than its payment',
    plant: ({ id }) => shop.inOrders(`update orders set amount_minor = amount_minor + 1 where id = '${id}'`),
    expected: about('order_payment_differ'),
    heal: ({ id }) => shop.inOrders(`update orders set amount_minor = amount_minor - 1 where id = '${id}'`),
  },
  {
    it: 'an order that was settled by hand',
    order: () => shop.place(userId),
    plant: ({ id }) => shop.inOrders(`update orders set status = 'FINISHED' where id = '${id}'`),
    expected: order => [...about('order_without_payment')(order), ...about('order_without_result')(order)],
    async heal(order) {
      await shop.inOrders(`update orders set status = 'NEW' where id = '${order.id}'`)
      await shop.pay(order)
      await shop.settle(order)
    },
  },
  {
    it: 'a result that the inbox does not remember',
    plant: ({ id }) =>
      shop.inOrders(keep('inbox', `event_id = (select result_event_id from orders where id = '${id}')`)),
    expected: about('order_without_result'),
    heal: () => shop.inOrders(restore('inbox')),
  },
  {
    it: 'a task that the inbox does not remember',
    plant: ({ id }) =>
      shop.inPayments(
        keep('inbox', `event_id = (select task_event_id from payments where order_id = '${id}')`),
      ),
    expected: about('payment_without_task'),
    heal: () => shop.inPayments(restore('inbox')),
  },
  {
    it: 'a completed payment that debited nothing',
    plant: order => shop.inPayments(keep('ledger_entries', `order_id = '${order.id}'`)),
    expected: order => [...about('payment_without_debit')(order), ...aboutUser('balance_differs')()],
    heal: () => shop.inPayments(restore('ledger_entries')),
  },
  {
    it: 'a debit of another amount, with all that follows from it made to fit',
    plant: order =>
      shop.inPayments(`update ledger_entries set amount_minor = amount_minor - 1, balance_after_minor = balance_after_minor - 1
        where order_id = '${order.id}'; update accounts set balance_minor = balance_minor - 1 where user_id = ${userId}`),
    expected: about('debit_differs'),
    heal: order =>
      shop.inPayments(`update ledger_entries set amount_minor = amount_minor + 1, balance_after_minor = balance_after_minor + 1
        where order_id = '${order.id}'; update accounts set balance_minor = balance_minor + 1 where user_id = ${userId}`),
  },
  {
    it: 'an order that was debited twice, past the index that forbids it',
    plant: order =>
      shop.inPayments(`drop index ledger_entries_by_order;
        insert into ledger_entries (user_id, id, kind, amount_minor, balance_after_minor, order_id, created_at)
        select user_id, gen_random_uuid(), kind, amount_minor, balance_after_minor + amount_minor, order_id, created_at from ${entry(order)};
        update accounts set balance_minor = balance_minor - 1000 where user_id = ${userId}`),
    expected: about('debit_differs'),
    heal: order =>
      shop.inPayments(`delete from ledger_entries where position = (select max(position) from ${entry(order)});
        update accounts set balance_minor = balance_minor + 1000 where user_id = ${userId};
        create unique index ledger_entries_by_order on ledger_entries (order_id) where order_id is not null`),
  },
  {
    it: "a debit without its payment, of another program's order, whose id is random and so of no time",
    async order() {
      const order = { id: 'f47ac10b-58cc-4372-a567-0e02b2c3d479', user_id: userId, amount: 10 }
      await shop.pay(order, { ce_id: order.id })
      return order as Order
    },
    plant: ({ id }) => shop.inPayments(keep('payments', `order_id = '${id}'`)),
    expected: about('debit_without_payment'),
    heal: () => shop.inPayments(restore('payments')),
  },
  {
    it: 'a balance that somebody raised',
    plant: () =>
      shop.inPayments(`update accounts set balance_minor = balance_minor + 1 where user_id = ${userId}`),
    expected: aboutUser('balance_differs'),
    heal: () =>
      shop.inPayments(`update accounts set balance_minor = balance_minor - 1 where user_id = ${userId}`),
  },
  {
    it: 'a deposit that is gone, with all that came after it left',
    plant: () => shop.inPayments(keep('ledger_entries', `user_id = ${userId} and kind = 'opening'`)),
    expected: aboutUser('ledger_broken'),
    heal: () => shop.inPayments(restore('ledger_entries')),
  },
  {
    it: 'an account that is gone, with its ledger left over',
    plant: () =>
      shop.inPayments(`alter table ledger_entries drop constraint ledger_entries_user_id_fkey;
        ${keep('accounts', `user_id = ${userId}`)}`),
    expected: aboutUser('ledger_broken'),
    heal: () => shop.inPayments(restore('accounts')),
  },
]

test.each(violations)('found, named, logged once, and forgotten when healed: $it', async violation => {
  const order = await (violation.order ?? (() => shop.settledOrder(userId)))()
  await violation.plant?.(order)
  const report = await shop.audit()
  expect(foundIn(report)).toEqual(violation.expected(order))
  expect(report.status).toBe('violated')
  for (const { found, next } of report.checks) if (found.length > 0) expect(next).toMatch(/\w+ \w+/)

  await shop.audit()
  const errors = shop.logged.filter(({ level }) => level === 'error')
  expect(errors.map(({ fields }) => ({ check: fields.check, id: (fields.ids as string[])[0] }))).toEqual(
    violation.expected(order),
  )
  for (const { fields } of errors)
    expect(fields).toMatchObject({ next: expect.any(String), detail: expect.any(String) })

  await violation.heal(order)
  expectSound(await shop.audit())
})

describe('nothing is reported', () => {
  test('of orders on their way, however far they came, while they are younger than the bound', async () => {
    const placed = await shop.place(userId)
    const paid = await shop.place(userId)
    await shop.pay(paid)
    await shop.settledOrder(userId)
    expectSound(await shop.audit(shop.newAuditor({ settledWithinMs: 60_000 })))
    await shop.pay(placed)
    for (const order of [placed, paid]) await shop.settle(order)
    expectSound(await shop.audit())
  })

  test('while orders are placed, paid and settled and balances change all the time', async () => {
    const auditor = shop.newAuditor({ settledWithinMs: 2_000 })
    let isBusy = true
    const customers = Array.from({ length: 4 }, async () => {
      const customer = await shop.newUser()
      for (let i = 0; isBusy; i++) {
        await shop.settledOrder(customer, i % 5 === 0 ? 1_000_000 : 1)
        await shop.payments.app.inject({
          method: 'PATCH',
          url: `/users/${customer}`,
          payload: { balance_change: 1 },
        })
      }
    })
    const first = (await shop.audit(auditor)).verified_to ?? ''
    await expect
      .poll(
        async () => {
          const report = await shop.audit(auditor)
          expectSound(report)
          return Date.parse(report.verified_to ?? '')
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(Date.parse(first) + 3_000)
    isBusy = false
    await Promise.all(customers)
  })

  test('of payments that another program asked for, by tasks without an event id', async () => {
    const order = { id: uuidv7(), user_id: userId, amount: 5 }
    await shop.pay(order, { ce_id: order.id })
    const before = await shop.audit()
    expectSound(before)
    expect(before.checked.orders).toBeGreaterThan(0)
  })

  test('of messages that were put aside and handled later', async () => {
    const order = await shop.settledOrder(userId)
    for (const pool of [shop.orders.pool, shop.payments.pool]) {
      await pool.query(`with gone as (delete from inbox where processed_at = (select max(processed_at) from inbox) returning *)
        insert into dead_letters (consumer, event_id, topic, "partition", "offset", headers, published_at, state, closed_at)
        select consumer, event_id, topic, "partition", "offset", '{}', published_at, 'redriven', now() from gone`)
    }
    expect(order.id).toBeTruthy()
    expectSound(await shop.audit())
  })

  test('after messages were dropped by age, also where they are kept longer since', async () => {
    await shop.settledOrder(userId)
    const retention = {
      log: { ...console, info: () => undefined, debug: () => undefined, warn: () => undefined },
    }
    const days = (count: number) => count * 86_400_000
    for (const { pool } of [shop.orders, shop.payments]) {
      const { inboxRows } = await retainOnce({ pool, ...retention, inboxRetentionMs: 1 })
      expect(inboxRows).toBeGreaterThan(0)
      await retainOnce({ pool, ...retention, inboxRetentionMs: days(30) })
    }
    expectSound(await shop.audit())
  })
})

describe('of several gateways', () => {
  const turnsTaken = async () => (await shop.inOrders('select turn::int from integrity_audit')).rows[0]?.turn
  const take = async (lease_ms: number): Promise<number | null> => {
    const payload = { settled_within_ms: 1, lease_ms }
    return (await shop.orders.app.inject({ method: 'POST', url: '/integrity/turns', payload })).json().turn
  }
  const end = async (turn: number | null, progress: object) => {
    const payload = { turn, pause_ms: 0, progress }
    return (await shop.orders.app.inject({ method: 'PUT', url: '/integrity/turns', payload })).statusCode
  }

  test('one audits, and the others tell what is known; so do all in the pause after it', async () => {
    const { at } = await shop.audit()
    const before = await turnsTaken()
    await shop.endPause()
    const gateways = Array.from({ length: 4 }, () => shop.newAuditor())
    const reports = await Promise.all(gateways.map(gateway => gateway.auditOnce()))
    expect(await turnsTaken()).toBe(before + 1)
    expect(reports.filter(report => report?.at === at)).toHaveLength(3)
    const fresh = reports.find(report => report?.at !== at)
    expect(await Promise.all(gateways.map(gateway => gateway.auditOnce()))).toEqual(Array(4).fill(fresh))
    expect(await turnsTaken()).toBe(before + 1)
  })

  test('one that died in its turn holds up the others for its lease; waking up later it undoes nothing', async () => {
    await shop.endPause()
    const frozen = await take(60_000)
    expect([frozen, await take(60_000)]).toEqual([expect.any(Number), null])
    await shop.endPause()
    const died = await take(1)
    await expect.poll(() => take(60_000)).toBe(Number(died) + 1)
    const { rows } = await shop.inOrders('select progress from integrity_audit')
    expect([await end(frozen, { late: 1 }), await end(died, { late: 2 })]).toEqual([409, 409])
    expect((await shop.inOrders('select progress from integrity_audit')).rows).toEqual(rows)
    expect(await end(Number(died) + 1, (rows[0] as { progress: object }).progress)).toBe(204)
    expectSound(await shop.audit())
  })
})
