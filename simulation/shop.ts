import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { type RunningConsumer, startConsumer } from '../messaging/src/consume.ts'
import type { ConsumerDefinition } from '../messaging/src/consumer.ts'
import type { Log } from '../messaging/src/log.ts'
import { subscribe } from '../messaging/src/platformatic-subscriber.ts'
import { type RunningRelay, startRelay } from '../messaging/src/relay.ts'
import { placeOrders } from '../orders-service/src/orders/place-orders.ts'
import { settleOrdersConsumer } from '../orders-service/src/orders/settle-orders.ts'
import { debitAccountsConsumer } from '../payments-service/src/payments/debit-accounts.ts'
import { type ModelConnection, ModelDatabase, type ModelTransaction, modelOf } from './model/database.ts'
import { ModelKafka } from './model/kafka.ts'
import type { ModelKafkaSettings } from './model/platformatic-client.ts'
import type { Instance, Scheduler } from './scheduler.ts'

export const users = [1, 2, 3]
const instancesEach = 2
const ordersEachMax = 4
const clock = () => new Date('2026-11-21T10:00:00Z')

export type RunningInstance = Instance & {
  service: 'orders' | 'payments'
  connection: ModelConnection
  relay: RunningRelay
  consumer: RunningConsumer
  death: Promise<never>
  die: () => void
}

/** Both services, two instances of each, as the product starts them, on models of their databases and broker. */
export class Shop {
  readonly scheduler: Scheduler
  readonly kafka: ModelKafka
  readonly orders: ModelDatabase
  readonly payments: ModelDatabase
  readonly openingBalances = new Map<number, bigint>()
  /** Orders that a customer was told are placed. */
  readonly acknowledged: string[] = []
  instances: RunningInstance[] = []
  customersAtWork = users.length
  readonly #sizes: { batchSize: number; batchBytes: number; cursorRowsMax: number; batchSizeMax: number }
  #started = 0
  #placed = 0

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler
    this.kafka = new ModelKafka(scheduler)
    this.orders = new ModelDatabase('orders', scheduler)
    this.payments = new ModelDatabase('payments', scheduler)
    const { between } = scheduler
    this.#sizes = {
      batchSize: between(1, 4),
      batchBytes: between(1, 600),
      cursorRowsMax: between(1, 6),
      batchSizeMax: between(1, 6),
    }
    for (const user of users) {
      const balance = BigInt(between(-10, 40))
      // Below zero: this user has no account.
      if (balance >= 0n) this.openingBalances.set(user, balance)
      this.payments.rows.set(`accounts/${user}`, this.openingBalances.get(user))
    }
    for (const service of ['orders', 'payments'] as const) {
      for (let i = 0; i < instancesEach; i++) this.start(service)
    }
    for (const user of users) void this.#customer(user)
  }

  start(service: 'orders' | 'payments'): void {
    const instance: Instance = { name: `${service}-${++this.#started}`, isDead: false, frozenUntil: 0 }
    const connection = this[service].connection(instance)
    const { promise: death, reject: die } = Promise.withResolvers<never>()
    death.catch(() => undefined)
    const { batchSizeMax, ...relaySizes } = this.#sizes
    const relay = startRelay({
      pool: connection as unknown as Pool,
      transport: { publish: messages => this.kafka.publish(instance, messages) },
      source: `/${service}`,
      log: quiet,
      ...relaySizes,
      leaseMs: 3_000,
    })
    const kafkaSettings = { kafka: this.kafka, instance, brokers: [], clientId: instance.name, log: quiet }
    const about = { log: quiet, clock }
    const definition = (service === 'orders'
      ? settleOrdersConsumer(about)
      : debitAccountsConsumer(about)) as unknown as ConsumerDefinition<unknown, unknown>
    const consumer = startConsumer({
      db: connection as unknown as Kysely<unknown>,
      definition: noting(definition),
      log: quiet,
      transport: { subscribe: subscription => subscribe(kafkaSettings as ModelKafkaSettings, subscription) },
      batchSizeMax,
      attemptsMax: 2,
      offsetCommitIntervalMs: 500,
    })
    const running = {
      service,
      connection,
      relay,
      consumer,
      death,
      die: () => die(new Error(`${instance.name} died`)),
    }
    this.instances.push(Object.assign(instance, running))
  }

  /** Places orders one after another; what was not answered may be placed or not. */
  async #customer(userId: number): Promise<void> {
    const { scheduler } = this
    for (let left = scheduler.between(1, ordersEachMax); left > 0; left--) {
      await scheduler.sleep(scheduler.between(0, 1_500))
      const id = `00000000-0000-7000-8000-${String(++this.#placed).padStart(12, '0')}`
      const command = { userId, amountMinor: BigInt(scheduler.between(1, 20)), description: null }
      const at = scheduler.pick(this.instances.filter(({ service }) => service === 'orders'))
      const request = { command, idempotency: undefined, traceparent: undefined }
      try {
        const placing = placeOrders(at.connection as never, [request], { now: clock(), newId: () => id })
        await Promise.race([placing, at.death])
        this.acknowledged.push(id)
      } catch {
        // Not told: the order may be placed or not.
      }
    }
    this.customersAtWork--
  }
}

/** Writes each effect down beside it: our handlers forgive a repeat, which would hide that it came to them. */
const noting = (definition: ConsumerDefinition<unknown, unknown>): ConsumerDefinition<unknown, unknown> => ({
  ...definition,
  async handle(trx, messages, locked) {
    await definition.handle(trx, messages, locked)
    for (const { eventId } of messages) {
      modelOf<ModelTransaction>(trx).set(`effects/${definition.name}/${eventId}`, true)
    }
  },
})

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} }
