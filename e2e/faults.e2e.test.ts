import { setTimeout as sleep } from 'node:timers/promises'
import { startSystem } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countUnsettled, findWrongs } from './audit.ts'
import { newUserId, ShopClient } from './shop-client.ts'
import { SteadyCustomers } from './steady-customers.ts'

type System = Awaited<ReturnType<typeof startSystem>> & Awaited<ReturnType<typeof startPrivateSystem>>
const startPrivateSystem = () => startSystem({ private: true, privatePostgres: true })

/** After the fault has healed, everything accepted is settled within this. */
const settledWithinMs = 60_000

let system: System
beforeAll(async () => {
  system = (await startPrivateSystem()) as System
})
afterAll(() => system?.stop())

async function underLoad(fault: () => Promise<void>): Promise<void> {
  const customers = new SteadyCustomers(system.gatewayUrl)
  await customers.enter(8)
  await expect.poll(() => customers.orders.length, { timeout: 30_000 }).toBeGreaterThan(100)
  await fault()
  const before = customers.orders.length
  await expect.poll(() => customers.orders.length, { timeout: 60_000 }).toBeGreaterThan(before + 100)
  await customers.leave()
  await expect
    .poll(() => countUnsettled(system.databases.orders), { timeout: settledWithinMs, interval: 250 })
    .toBe(0)
  expect(await findWrongs(system.databases, customers.acknowledged)).toEqual([])
}

test('without any fault, every acknowledged order is settled once, in order', () => underLoad(async () => {}))

for (const name of ['orders', 'payments', 'gateway'] as const) {
  test(`${name}, killed in mid-stream and started again: nothing is lost or doubled`, () =>
    underLoad(async () => {
      expect(await system.services[name].kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
      await system.services[name].start()
    }))

  test(`${name}, told to end under load: exit 0 within 10 s, and nothing unfinished is lost`, () =>
    underLoad(async () => {
      const began = performance.now()
      expect(await system.services[name].kill('SIGTERM')).toMatchObject({ code: 0 })
      expect(performance.now() - began).toBeLessThan(10_000)
      await system.services[name].start()
    }))
}

test('Postgres killed in mid-stream and started again: work resumes without help', () =>
  underLoad(async () => {
    await system.postgres?.kill()
    await sleep(500)
    await system.postgres?.start()
  }))

test('Kafka killed in mid-stream and started again: work resumes without help', () =>
  underLoad(async () => {
    await system.kafka.kill()
    await sleep(500)
    await system.kafka.start()
  }))

test('while the broker is down orders are accepted, and they settle once it is back', async () => {
  const shop = new ShopClient(system.gatewayUrl)
  const userId = newUserId()
  await shop.openAccount(userId, 10)
  await system.kafka.stop()
  const answers = []
  for (let i = 0; i < 20; i++) answers.push(await shop.placeOrder(userId, 1))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201))
  expect(await countUnsettled(system.databases.orders)).toBe(20)
  await system.kafka.start()
  await expect
    .poll(() => countUnsettled(system.databases.orders), { timeout: settledWithinMs, interval: 250 })
    .toBe(0)
  const acknowledged = new Map([[userId, answers.map(({ body }) => body)]])
  expect(await findWrongs(system.databases, acknowledged)).toEqual([])
})

test('told to end while the broker is down, the services end with 0 within 10 s and go on later', async () => {
  const shop = new ShopClient(system.gatewayUrl)
  const userId = newUserId()
  await shop.openAccount(userId, 10)
  await system.kafka.stop()
  const order = await shop.placeOrder(userId, 1)
  expect(order.status).toBe(201)
  const ends = await Promise.all(
    (['orders', 'payments', 'gateway'] as const).map(async name => {
      const began = performance.now()
      const { code } = await system.services[name].kill('SIGTERM')
      return { code, inTime: performance.now() - began < 10_000 }
    }),
  )
  expect(ends).toEqual(Array(3).fill({ code: 0, inTime: true }))
  await system.kafka.start()
  for (const name of ['orders', 'payments', 'gateway'] as const) await system.services[name].start()
  await expect
    .poll(() => countUnsettled(system.databases.orders), { timeout: settledWithinMs, interval: 250 })
    .toBe(0)
  expect(await findWrongs(system.databases, new Map([[userId, [order.body]]]))).toEqual([])
})
