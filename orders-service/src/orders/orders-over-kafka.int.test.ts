import { startConsumer } from 'messaging/consume'
import { openKafka } from 'messaging/platformatic-transport'
import { startRelay } from 'messaging/relay'
import type { IncomingMessage, OutgoingMessage, Transport } from 'messaging/transport'
import { testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestService, silent, type TestService } from '../test-service.ts'
import { statusTopic, tasksTopic } from './order-events.ts'
import type { OrderAnswer } from './order-schema.ts'
import { resultsTopic, settleOrdersConsumer } from './settle-orders.ts'

/** Others test on the same broker: these topics are ours. */
const prefix = uniqueName('orders-test')
const [tasks, results, updates] = [tasksTopic, resultsTopic, statusTopic].map(
  topic => `${prefix}.${topic}`,
) as [string, string, string]

let service: TestService
let kafka: Transport
let stop: (() => Promise<unknown>)[] = []
/** By event id: what is published at least once counts once. */
const asked = new Map<string, IncomingMessage>()
const told = new Map<string, IncomingMessage>()

beforeAll(async () => {
  service = await openTestService()
  kafka = openTransport('client')
  await kafka.ensureTopics(
    [tasks, results, updates].map(topic => ({ topic, partitions: 6, replication: 1, minInsyncReplicas: 1 })),
  )
  await read(tasks, async messages => {
    keepFirst(asked, messages)
    const answers = messages.map((message, i) => resultOf(message, i))
    await kafka.publish([...answers, ...answers.toReversed()])
  })
  await read(updates, async messages => keepFirst(told, messages))
})
afterAll(async () => {
  for (const one of stop) await one()
  await service?.close()
})

function openTransport(clientId: string): Transport {
  const transport = openKafka({ brokers: testBrokers(), clientId, log: silent })
  stop = [...stop, () => transport.close()]
  return transport
}

async function read(topic: string, onBatch: (messages: IncomingMessage[]) => Promise<void>) {
  const reader = await kafka.subscribe({
    groupId: uniqueName('reader'),
    topics: [topic],
    batchSizeMax: 1_000,
    offsetCommitIntervalMs: 1_000,
    onBatch,
  })
  stop = [() => reader.close(), ...stop]
}

function keepFirst(known: Map<string, IncomingMessage>, messages: IncomingMessage[]): void {
  for (const message of messages) {
    const id = message.headers.ce_id ?? ''
    if (!known.has(id)) known.set(id, message)
  }
}

/** What payments would answer, and every other time as another program would: in its own way, without headers and key. */
function resultOf(task: IncomingMessage, i: number): OutgoingMessage {
  const order = JSON.parse(String(task.value))
  const isPaid = order.amount < 1
  const result = {
    payment_id: uuidv7(),
    ...order,
    status: isPaid ? 'SUCCESS' : 'FAILED',
    ...(!isPaid && { error: 'insufficient_funds' }),
    timestamp: new Date().toISOString(),
  }
  return i % 2
    ? { topic: results, key: task.key, value: JSON.stringify(result), headers: { ce_id: uuidv7() } }
    : { topic: results, key: null, value: JSON.stringify({ ...result, branch: 12 }), headers: {} }
}

/** What main.ts starts; answers how to place an order there. */
async function startInstance(name: string) {
  const transport = openTransport(name)
  const publish = (messages: OutgoingMessage[]) =>
    transport.publish(messages.map(message => ({ ...message, topic: `${prefix}.${message.topic}` })))
  const relay = startRelay({
    pool: service.pool,
    transport: { publish },
    source: '/orders-service',
    log: silent,
  })
  const definition = settleOrdersConsumer({
    log: silent,
    clock: () => new Date(),
  })
  const consumer = startConsumer({
    db: service.db,
    transport,
    log: silent,
    definition: { ...definition, name: `${prefix}.${definition.name}`, topics: [results] },
  })
  const app = await service.newApp({ transport })
  return {
    place: async (body: object): Promise<OrderAnswer> => (await service.post(body, {}, app)).json(),
    async stop() {
      await app.close()
      await consumer.stop()
      await relay.stop()
    },
  }
}

test('two instances, each result sent twice and in two ways: every order settles once and everyone is told', async () => {
  const instances = [await startInstance('one'), await startInstance('two')]
  const users = [1, 2, 3, 4, 5, 6, 7, 8]
  const placed = await Promise.all(
    users.map(async user_id => {
      const orders: OrderAnswer[] = []
      for (let i = 0; i < 25; i++) {
        // One user's orders go to one instance or the other, each after the answer to the one before.
        const order = await instances[i % 2]?.place({ user_id, amount: i % 3 ? 0.5 : 1.5 })
        if (order) orders.push(order)
      }
      return orders
    }),
  )
  await expect.poll(() => told.size, { timeout: 20_000 }).toBe(200)
  await expect.poll(() => kafka.lag(`${prefix}.orders.settle`, [results]), { timeout: 20_000 }).toBe(0)
  await Promise.all(instances.map(instance => instance.stop()))

  for (const orders of placed) {
    const key = String(orders[0]?.user_id)
    const tasksOfUser = [...asked.values()].filter(message => message.key === key)
    expect(tasksOfUser.map(({ headers }) => headers.ce_subject)).toEqual(orders.map(({ id }) => id))
    expect(tasksOfUser[0]?.headers).toMatchObject({ ce_type: 'OrderPlaced', ce_source: '/orders-service' })
    for (const order of orders) {
      const settled = await service.findOrder(order.id)
      const [update, ...more] = [...told.values()].filter(({ headers }) => headers.ce_subject === order.id)
      expect(more).toEqual([])
      expect(update?.key).toBe(key)
      expect(JSON.parse(String(update?.value))).toEqual({
        order_id: order.id,
        user_id: order.user_id,
        amount: order.amount,
        ...(order.amount < 1
          ? { status: 'FINISHED' }
          : { status: 'CANCELLED', reason: 'insufficient_funds' }),
        timestamp: settled.updated_at,
      })
      expect(settled.status).toBe(order.amount < 1 ? 'FINISHED' : 'CANCELLED')
    }
  }
  expect(await service.deadLetters()).toEqual([])
  expect(told.size).toBe(200)
})
