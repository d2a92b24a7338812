import { startConsumer } from 'messaging/consume'
import { openKafka } from 'messaging/platformatic-transport'
import { startRelay } from 'messaging/relay'
import type { IncomingMessage, OutgoingMessage, Transport } from 'messaging/transport'
import { testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countAll, findBrokenLedgers, openTestService, silent, type TestService } from '../test-service.ts'
import { debitAccountsConsumer, tasksTopic } from './debit-accounts.ts'
import { resultsTopic } from './payment-events.ts'

/** Others test on the same broker: these topics are ours. */
const prefix = uniqueName('payments-test')
const tasks = `${prefix}.${tasksTopic}`
const results = `${prefix}.${resultsTopic}`

let service: TestService
let stop: (() => Promise<unknown>)[] = []
let kafka: Transport
const told: IncomingMessage[] = []

beforeAll(async () => {
  service = await openTestService()
  kafka = openTransport('client')
  await kafka.ensureTopics(
    [tasks, results].map(topic => ({ topic, partitions: 6, replication: 1, minInsyncReplicas: 1 })),
  )
  const reader = await kafka.subscribe({
    groupId: uniqueName('reader'),
    topics: [results],
    batchSizeMax: 1_000,
    offsetCommitIntervalMs: 1_000,
    onBatch: async messages => void told.push(...messages),
  })
  stop.push(() => reader.close())
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

/** What main.ts starts, but for the HTTP side. */
function startInstance(name: string): () => Promise<void> {
  const transport = openTransport(name)
  const publish = (messages: OutgoingMessage[]) =>
    transport.publish(messages.map(message => ({ ...message, topic: `${prefix}.${message.topic}` })))
  const relay = startRelay({
    pool: service.pool,
    transport: { publish },
    source: '/payments-service',
    log: silent,
  })
  const definition = debitAccountsConsumer({
    log: silent,
    clock: () => new Date(),
  })
  const consumer = startConsumer({
    db: service.db,
    transport,
    log: silent,
    definition: { ...definition, name: `${prefix}.${definition.name}`, topics: [tasks] },
  })
  return async () => {
    await consumer.stop()
    await relay.stop()
  }
}

test('two instances, each task delivered twice, some as other programs send them: one payment and result each', async () => {
  const users = await Promise.all(Array.from({ length: 8 }, () => service.newUser(10_000n)))
  const orders = Array.from({ length: 200 }, (_, i) => ({
    order_id: uuidv7(),
    // Every ninth has no account.
    user_id: users[i % 9] ?? 1_000_000,
    amount: 1.5,
  }))
  const messages = orders.map(
    (order, i): OutgoingMessage => ({
      topic: tasks,
      key: i % 5 === 0 ? null : String(order.user_id),
      value: JSON.stringify(i % 5 === 0 ? { ...order, currency: 'USD' } : { ...order, description: null }),
      headers: i % 5 === 0 ? {} : { ce_id: uuidv7(), traceparent: `00-${i}` },
    }),
  )
  const stops = [startInstance('one'), startInstance('two')]
  await kafka.publish(messages)
  await kafka.publish(messages.toReversed())
  await expect.poll(() => told.length, { timeout: 20_000 }).toBe(200)
  await expect.poll(() => kafka.lag(`${prefix}.payments.debit`, [tasks]), { timeout: 20_000 }).toBe(0)
  await Promise.all(stops.map(stop => stop()))

  expect(await countAll(service.db)).toEqual({
    inbox: 200,
    payments: 200,
    debits: 178,
    results: 200,
    dead_letters: 0,
  })
  expect(await findBrokenLedgers(service.db)).toEqual([])
  expect(told).toHaveLength(200)
  for (const [i, order] of orders.entries()) {
    const [result, ...more] = told.filter(({ headers }) => headers.ce_subject === order.order_id)
    expect(more).toEqual([])
    expect(result?.key).toBe(String(order.user_id))
    expect(result?.headers).toMatchObject({
      ce_specversion: '1.0',
      ce_type: order.user_id === 1_000_000 ? 'PaymentDeclined' : 'PaymentCompleted',
      ce_source: '/payments-service',
      ...(i % 5 !== 0 && { traceparent: `00-${i}` }),
    })
    const content = JSON.parse(String(result?.value))
    expect(content).toEqual({
      payment_id: expect.any(String),
      order_id: order.order_id,
      user_id: order.user_id,
      amount: 1.5,
      ...(order.user_id === 1_000_000
        ? { status: 'FAILED', error: 'account_not_found' }
        : { status: 'SUCCESS' }),
      timestamp: expect.any(String),
    })
  }
})
