import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { openKafka } from 'messaging/platformatic-transport'
import type { Transport } from 'messaging/transport'
import { findKafkaRuntime } from 'scripts/infrastructure/kafka-runtime'
import { kafkaLibraryFolder } from 'scripts/system/settings'
import { startSystem } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { administer, type SecuredKafka, startSecuredKafka, type User } from './secured-kafka.ts'
import { newUserId, ShopClient } from './shop-client.ts'

const topics = ['order_payment_tasks', 'payment_status_updates', 'order_status_updates'] as const
type Topic = (typeof topics)[number]

/** The broker runs from its jars: where there is only Docker, this is skipped, and seen to be. */
const { kind } = await findKafkaRuntime(kafkaLibraryFolder, line => console.error(line))
const onJava = describe.skipIf(kind === 'docker')

let kafka: SecuredKafka
let system: Awaited<ReturnType<typeof startSystem>> | undefined
const logged: string[] = []
const log = Object.fromEntries(
  ['debug', 'info', 'warn', 'error'].map(level => [
    level,
    (...said: unknown[]) => void logged.push(inspect(said, { depth: 5 })),
  ]),
) as Record<'debug' | 'info' | 'warn' | 'error', (details: object, message: string) => void>
const opened: Transport[] = []

beforeAll(async () => {
  if (kind === 'docker') return
  kafka = await startSecuredKafka()
  await administer(kafka, [...topics])
  const login = (prefix: string, user: User) => ({
    [`${prefix}_KAFKA_SASL_USERNAME`]: user,
    [`${prefix}_KAFKA_SASL_PASSWORD`]: kafka.passwordOf(user),
  })
  system = await startSystem({
    private: true,
    kafka,
    env: {
      KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
      KAFKA_SSL_CA_LOCATION: kafka.caFile,
      ...login('ORDERS', 'orders-service'),
      ...login('PAYMENTS', 'payments-service'),
      ...login('GATEWAY', 'gateway'),
    },
  })
}, 120_000)
afterAll(async () => {
  await Promise.all(opened.map(transport => transport.close()))
  await (system?.stop() ?? kafka?.remove())
})

function openAs(user: User, { password = kafka.passwordOf(user), tls = { ca: authority() } as object } = {}) {
  const sasl = { mechanism: 'scram-sha-512', username: user, password } as const
  const transport = openKafka({ brokers: kafka.brokers, clientId: 'test', log, tls, sasl })
  opened.push(transport)
  return transport
}
const authority = () => readFileSync(kafka.caFile, 'utf8')

onJava('a broker that asks for TLS and a login', () => {
  test('carries an order to its settlement, and its event to the gateway', async () => {
    const shop = new ShopClient(system!.gatewayUrl)
    const userId = newUserId()
    await shop.openAccount(userId, 100)
    const events = await fetch(`${system!.gatewayUrl}/orders/events?user_id=${userId}`)
    const order = (await shop.placeOrder(userId, 30.4)).body
    await vi.waitFor(async () => expect((await shop.order(order.id)).body.status).toBe('FINISHED'), {
      timeout: 20_000,
    })
    expect((await shop.account(userId)).body.balance).toBe(69.6)
    let told = ''
    for await (const chunk of events.body!.pipeThrough(new TextDecoderStream())) {
      told += chunk
      if (told.includes(order.id)) break
    }
    expect(told).toContain('FINISHED')
  }, 60_000)

  const send = (user: User, topic: Topic) =>
    openAs(user).publish([{ topic, key: null, value: '{}', headers: {} }])
  test.each<[User, Topic]>([
    ['orders-service', 'payment_status_updates'],
    ['payments-service', 'order_payment_tasks'],
    ['payments-service', 'order_status_updates'],
    ['gateway', 'order_payment_tasks'],
    ['gateway', 'payment_status_updates'],
    ['gateway', 'order_status_updates'],
  ])('%s may not write %s', async (user, topic) => {
    await expect(send(user, topic)).rejects.toThrow(/not authorized|authorization failed/i)
  })

  test.each<[User, Topic, string]>([
    ['orders-service', 'order_payment_tasks', 'orders.settle'],
    ['payments-service', 'order_status_updates', 'payments.debit'],
    ['gateway', 'payment_status_updates', 'follow-order_status_updates-1'],
    ['gateway', 'order_status_updates', 'orders.settle'],
  ])('%s may not read %s as %s', async (user, topic, groupId) => {
    // Its group is of one, so that nobody else is given the partitions.
    await Promise.all([system!.services.orders.stop(), system!.services.payments.stop()])
    const [said, got] = [logged.length, [] as unknown[]]
    const settings = { batchSizeMax: 1, offsetCommitIntervalMs: 1_000 } as const
    const onBatch = async (messages: unknown[]) => void got.push(...messages)
    // Refused at once, or in the background, again and again.
    await openAs(user)
      .subscribe({ groupId, topics: [topic], ...settings, onBatch })
      .catch(error => void logged.push(inspect(error)))
    await vi.waitFor(
      () => expect(logged.slice(said).join()).toMatch(/not authorized|authorization failed/i),
      { timeout: 20_000 },
    )
    expect(got).toEqual([])
  })

  test('a service may make no topic', async () => {
    const topic = { topic: 'another', partitions: 1, replication: 1, minInsyncReplicas: 1 }

    await expect(openAs('orders-service').ensureTopics([topic])).rejects.toThrow(
      /not authorized|authorization failed/i,
    )
  })

  test('a wrong password and a broker that nobody vouches for are refused; no password is logged', async () => {
    await expect(openAs('orders-service', { password: 'not the password' }).ping()).rejects.toThrow(
      /authentication failed/i,
    )
    await expect(openAs('orders-service', { tls: {} }).ping()).rejects.toThrow(/certificate/)
    const lines = [...logged, ...Object.values(system!.services).flatMap(service => service.logs())]
    expect(lines.length).toBeGreaterThan(10)
    expect(lines.filter(line => /not the password|password-of-/.test(line))).toEqual([])
  })
})
