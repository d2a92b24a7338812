import { performance } from 'node:perf_hooks'
import { startSystem } from 'scripts/test-infrastructure'
import type { LaunchedSystem } from 'scripts/testing/launch-system'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { OrderEvents } from './order-events.ts'
import { newUserId, type Problem, ShopClient } from './shop-client.ts'

const upstreamTimeoutMs = 1_000
const followed = { timeout: 30_000, interval: 50 }

let system: LaunchedSystem
let shop: ShopClient
const opened: OrderEvents[] = []
beforeAll(async () => {
  system = await startSystem({ private: true, env: { UPSTREAM_TIMEOUT_MS: String(upstreamTimeoutMs) } })
  shop = new ShopClient(system.gatewayUrl)
})
afterEach(() => {
  for (const events of opened.splice(0)) events.close()
})
afterAll(() => system?.stop())

function follow(options?: ConstructorParameters<typeof OrderEvents>[1]): OrderEvents {
  const events = new OrderEvents(system.gatewayUrl, options)
  opened.push(events)
  return events
}

const place = async (userId: number, count: number) => {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push((await shop.placeOrder(userId, 1)).body.id)
  return ids
}

test('a request id leads through the logs of every service that the request reaches', async () => {
  const request_id = `e2e-${newUserId()}`
  const lines = (service: 'gateway' | 'orders' | 'payments') =>
    system.services[service]
      .logs()
      .filter(line => line.includes(request_id))
      .map(line => JSON.parse(line))
  const { status, headers } = await shop.call('GET', '/orders?user_id=7', undefined, {
    'x-request-id': request_id,
  })
  expect([status, headers.get('x-request-id')]).toEqual([200, request_id])
  await shop.call('GET', `/users/${newUserId()}`, undefined, { 'x-request-id': request_id })
  await expect
    .poll(() => lines('gateway'))
    .toMatchObject([
      { request_id, method: 'GET', path: '/orders', status: 200 },
      { request_id, status: 404 },
    ])
  await expect.poll(() => lines('orders')).toMatchObject([{ request_id, path: '/orders', status: 200 }])
  await expect.poll(() => lines('payments')).toMatchObject([{ request_id, status: 404 }])
})

describe('live events', () => {
  test('tell each settled order once, as it lies in the topic, and a user only its own', async () => {
    const [userId, otherId] = [newUserId(), newUserId()]
    await shop.openAccount(userId, 2)
    const [own, all] = [follow({ userId }), follow()]
    await expect.poll(() => own.isOpen && all.isOpen, followed).toBe(true)
    const ids = await place(userId, 3)
    const otherIds = await place(otherId, 2)
    await expect.poll(() => all.ordersOf(otherId), followed).toEqual(otherIds)
    await expect.poll(() => own.ordersOf(userId), followed).toEqual(ids)
    expect(own.events).toMatchObject([
      { order_id: ids[0], user_id: userId, amount: 1, status: 'FINISHED', timestamp: expect.any(String) },
      { status: 'FINISHED' },
      { status: 'CANCELLED', reason: 'insufficient_funds' },
    ])
    expect(all.ordersOf(userId)).toEqual(ids)
  })

  test('go on after the gateway was killed or stopped, with nothing missing and nothing twice', async () => {
    const userId = newUserId()
    await shop.openAccount(userId, 1_000)
    const [own, all] = [follow({ userId }), follow()]
    await expect.poll(() => own.isOpen && all.isOpen, followed).toBe(true)
    const ids = await place(userId, 20)
    const direct = new ShopClient(system.ordersUrl)
    for (const end of ['kill', 'stop'] as const) {
      await expect.poll(() => own.ordersOf(userId), followed).toEqual(ids)
      const ended = await system.services.gateway[end]()
      if (end === 'stop') expect(ended).toMatchObject({ code: 0 })
      // These settle while no gateway is there to tell it.
      for (let i = 0; i < 20; i++) ids.push((await direct.placeOrder(userId, 1)).body.id)
      await expect
        .poll(async () => (await direct.order(ids.at(-1) ?? '')).body.status, followed)
        .toBe('FINISHED')
      await system.services.gateway.start()
      ids.push(...(await place(userId, 5)))
    }
    await expect.poll(() => own.ordersOf(userId).length, followed).toBeGreaterThanOrEqual(ids.length)
    await expect.poll(() => all.ordersOf(userId).length, followed).toBeGreaterThanOrEqual(ids.length)
    expect(own.ordersOf(userId)).toEqual(ids)
    expect(all.ordersOf(userId)).toEqual(ids)
    expect([own.resyncs, all.resyncs]).toEqual([0, 0])
  })

  test('from a place that nobody holds begin with resync', async () => {
    const events = follow({ lastId: 'made-up' })
    await expect.poll(() => events.resyncs, followed).toBe(1)
  })
})

describe('a service that is gone', () => {
  test('is 503 within the timeout and in health, calls of the other one work, and it is found again', async () => {
    const userId = newUserId()
    await shop.openAccount(userId, 10)
    await system.services.payments.kill()
    const started = performance.now()
    const { status, body } = await shop.call<Problem>('GET', `/users/${userId}`)
    expect(performance.now() - started).toBeLessThan(upstreamTimeoutMs + 500)
    expect([status, body.code]).toEqual([503, 'upstream_unavailable'])
    const { body: order, status: placed } = await shop.placeOrder(userId, 4)
    expect(placed).toBe(201)
    expect((await shop.timeline(order.id)).body).toMatchObject({ missing: ['payments-service'] })
    expect(await shop.call('GET', '/health?timeout=1')).toMatchObject({
      status: 503,
      body: { services: { payments: { status: 'down' }, orders: { status: 'up' } } },
    })
    await system.services.payments.start()
    await expect.poll(async () => (await shop.order(order.id)).body.status, followed).toBe('FINISHED')
    expect((await shop.account(userId)).body.balance).toBe(6)
    expect(await shop.call('GET', '/health')).toMatchObject({ status: 200 })
  })
})

test('with Kafka gone the gateway serves, says so in health, and tells what settled once it is back', async () => {
  const userId = newUserId()
  await shop.openAccount(userId, 10)
  const events = follow({ userId })
  await expect.poll(() => events.isOpen, followed).toBe(true)
  await system.kafka.kill()
  expect((await shop.account(userId)).status).toBe(200)
  const ids = await place(userId, 2)
  expect(await shop.call('GET', '/health?timeout=1')).toMatchObject({
    status: 503,
    body: { dependencies: { kafka: { status: 'down' } } },
  })
  await system.kafka.start()
  await expect.poll(() => events.ordersOf(userId), { timeout: 90_000, interval: 100 }).toEqual(ids)
})

test('SIGTERM with event streams open and requests under way ends in 10 s with status 0', async () => {
  const events = follow()
  await expect.poll(() => events.isOpen, followed).toBe(true)
  const answers = Array.from({ length: 50 }, () => shop.call('GET', '/orders').catch(() => undefined))
  const started = performance.now()
  expect(await system.services.gateway.stop()).toMatchObject({ code: 0 })
  expect(performance.now() - started).toBeLessThan(10_000)
  await Promise.all(answers)
  await system.services.gateway.start()
})
