import { startSystem } from 'scripts/test-infrastructure'
import { expect, test } from 'vitest'
import { newUserId, type Order, ShopClient } from './shop-client.ts'

const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('an account is opened, orders are paid from it or cancelled, and its ledger adds up', async () => {
  const shop = new ShopClient((await startSystem()).gatewayUrl)
  const settled = async (order: Order) => {
    const final = expect.stringMatching(/^(FINISHED|CANCELLED)$/)
    await expect
      .poll(async () => (await shop.order(order.id)).body, { timeout: 20_000, interval: 20 })
      .toMatchObject({ status: final })
    return (await shop.order(order.id)).body
  }
  const userId = newUserId()

  const opened = await shop.openAccount(userId)
  expect(opened).toMatchObject({ status: 201, body: { user_id: userId, balance: 0 } })
  expect(opened.body.id).toMatch(uuidv7)
  expect(opened.headers.get('location')).toBe(`/users/${userId}`)
  expect(await shop.openAccount(userId)).toMatchObject({ status: 409 })

  expect(await shop.changeBalance(userId, 100)).toMatchObject({ status: 200, body: { balance: 100 } })

  const placed = await shop.placeOrder(userId, 30.4)
  expect(placed).toMatchObject({ status: 201, body: { user_id: userId, amount: 30.4, status: 'NEW' } })
  expect(placed.body.id).toMatch(uuidv7)
  expect(placed.headers.get('location')).toBe(`/orders/${placed.body.id}`)
  expect(await settled(placed.body)).toMatchObject({ status: 'FINISHED' })
  expect((await shop.account(userId)).body.balance).toBe(69.6)

  const unaffordable = await settled((await shop.placeOrder(userId, 69.61)).body)
  expect(unaffordable).toMatchObject({ status: 'CANCELLED', reason: 'insufficient_funds' })
  expect((await shop.account(userId)).body.balance).toBe(69.6)

  const all = await settled((await shop.placeOrder(userId, 69.6)).body)
  expect(all.status).toBe('FINISHED')
  expect((await shop.account(userId)).body.balance).toBe(0)

  await shop.changeBalance(userId, 20.25)
  expect(await shop.changeBalance(userId, -20.26)).toMatchObject({
    status: 422,
    body: { code: 'insufficient_funds' },
  })
  expect(await shop.changeBalance(userId, -5)).toMatchObject({ status: 200, body: { balance: 15.25 } })

  const nobody = await settled((await shop.placeOrder(newUserId(), 1)).body)
  expect(nobody).toMatchObject({ status: 'CANCELLED', reason: 'account_not_found' })

  const { body: entries } = await shop.ledger(userId)
  expect(entries.map(({ kind, amount, balance_after }) => [kind, amount, balance_after])).toEqual([
    ['withdrawal', -5, 15.25],
    ['deposit', 20.25, 20.25],
    ['payment', -69.6, 0],
    ['payment', -30.4, 69.6],
    ['deposit', 100, 100],
  ])
  const sumInMinor = entries.reduce((sum, { amount }) => sum + Math.round(amount * 100), 0)
  expect(sumInMinor / 100).toBe((await shop.account(userId)).body.balance)

  const { body: orders } = await shop.orders(userId)
  expect(orders.map(({ amount, status }) => [amount, status])).toEqual([
    [69.6, 'FINISHED'],
    [69.61, 'CANCELLED'],
    [30.4, 'FINISHED'],
  ])
})

test('the timeline of a settled order has each hop, in order, with its place in Kafka', async () => {
  const shop = new ShopClient((await startSystem()).gatewayUrl)
  const userId = newUserId()
  await shop.openAccount(userId, 10)
  const paths = { FINISHED: 'debited', CANCELLED: 'declined' }
  for (const [status, decision] of Object.entries(paths)) {
    const { body: order } = await shop.placeOrder(userId, 10)
    await expect
      .poll(async () => (await shop.order(order.id)).body.status, { timeout: 20_000, interval: 20 })
      .toBe(status)
    const { body: timeline } = await shop.timeline(order.id)
    expect(timeline.order_id).toBe(order.id)
    expect(timeline.missing).toBeUndefined()
    const { hops } = timeline
    expect(hops.map(({ hop }) => hop)).toEqual([
      'accepted',
      'published',
      'received',
      decision,
      'result_published',
      'settled',
    ])
    for (const { at } of hops) expect(Date.parse(at ?? '')).not.toBeNaN()
    const place = { partition: expect.any(Number), offset: expect.any(Number) }
    expect(hops[1]).toMatchObject({ topic: 'order_payment_tasks', ...place })
    expect(hops[4]).toMatchObject({ topic: 'payment_status_updates', ...place })
  }
})
