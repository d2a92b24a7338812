import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { startSystem } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newUserId, ShopClient } from './shop-client.ts'

/** Programs that speak the topics without our headers, and some that speak nonsense. */
let shop: ShopClient
let kafka: Kafka
const open: { disconnect(): Promise<void> }[] = []
let send: (topic: string, key: string | null, value: string | Buffer | null) => Promise<void>
const results: { order_id: string; status: string; error?: string; amount: number }[] = []

beforeAll(async () => {
  const system = await startSystem()
  shop = new ShopClient(system.gatewayUrl)
  kafka = new Kafka({ brokers: system.brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  const consumer = kafka.consumer({ groupId: `other-program-${randomUUID()}` })
  open.push(producer, consumer)
  await producer.connect()
  await consumer.subscribe({ topic: 'payment_status_updates', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => void results.push(JSON.parse(String(message.value))),
  })
  send = async (topic, key, value) => void (await producer.send({ topic, messages: [{ key, value }] }))
})
afterAll(() => Promise.all(open.map(each => each.disconnect())))

const task = (order_id: string, user_id: number, amount: string, more = '') =>
  `{"order_id":"${order_id}","user_id":${user_id},"amount":${amount},"description":"from elsewhere"${more}}`
const resultsOf = (orderId: string) => results.filter(({ order_id }) => order_id === orderId)
const patiently = { timeout: 20_000, interval: 50 }

test('tasks without headers, with unknown fields, without a key: each is paid once', async () => {
  const userId = newUserId()
  await shop.openAccount(userId, 100)
  const tasks = [
    { id: randomUUID(), amount: '10', key: String(userId), more: '' },
    { id: randomUUID(), amount: '10.5', key: null, more: '' },
    { id: randomUUID(), amount: '10.50', key: String(userId), more: ',"colour":"red","nested":{"deep":[1]}' },
  ]
  for (const { id, amount, key, more } of tasks) {
    await send('order_payment_tasks', key, task(id, userId, amount, more))
    await send('order_payment_tasks', key, task(id, userId, amount, more))
  }
  for (const { id, amount } of tasks) {
    await expect.poll(() => resultsOf(id).length, patiently).toBe(1)
    expect(resultsOf(id)[0]).toMatchObject({ status: 'SUCCESS', amount: Number(amount) })
  }
  expect((await shop.account(userId)).body.balance).toBe(69)
  expect((await shop.ledger(userId)).body).toHaveLength(4)
})

test('bytes that are no task park themselves and their key only, and orders of other users go on', async () => {
  const [poisoned, other] = [newUserId(), newUserId()]
  await shop.openAccount(poisoned, 10)
  await shop.openAccount(other, 10)
  for (const value of [Buffer.from([0xff, 0xfe]), '', null, '{', '[]', task('no-uuid', poisoned, '1')]) {
    await send('order_payment_tasks', String(poisoned), value)
  }
  await send('order_payment_tasks', null, task(randomUUID(), other, '1.005'))
  const { body: order } = await shop.placeOrder(other, 3)
  await expect.poll(async () => (await shop.order(order.id)).body.status, patiently).toBe('FINISHED')
  const { body: waiting } = await shop.placeOrder(poisoned, 3)
  const { body: next } = await shop.placeOrder(other, 3)
  await expect.poll(async () => (await shop.order(next.id)).body.status, patiently).toBe('FINISHED')
  expect((await shop.order(waiting.id)).body.status).toBe('NEW')
  expect((await shop.account(other)).body.balance).toBe(4)
})

test('the result of an order that is not ours holds up none of the same user', async () => {
  const userId = newUserId()
  await shop.openAccount(userId, 10)
  const foreign = randomUUID()
  await send('order_payment_tasks', String(userId), task(foreign, userId, '4'))
  await expect.poll(() => resultsOf(foreign).length, patiently).toBe(1)
  const { body: order } = await shop.placeOrder(userId, 6)
  await expect.poll(async () => (await shop.order(order.id)).body.status, patiently).toBe('FINISHED')
  expect((await shop.account(userId)).body.balance).toBe(0)
})
