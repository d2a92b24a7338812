import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog } from 'edge/log'
import { openKafka } from 'messaging/kafkajs-transport'
import { statusTopic, tasksTopic } from 'orders-service/orders/order-events'
import { resultsTopic } from 'orders-service/orders/settle-orders'
import pg from 'pg'
import { testBrokers, testDatabase, uniqueName } from 'scripts/test-infrastructure'
import { newUserId, type Order } from '../shop-client.ts'
import type { Acknowledged } from '../steady-customers.ts'
import type { Answer, Request, ShopInstance, ShopPlace } from './shop-instance.ts'
import { withPrefix } from './topic-prefix.ts'
import { until } from './until.ts'

const answerMsMax = 2_000
const retryAfterMs = 20

/** Two databases and three topics of a shop, what its customers know, and what an observer saw on the topics. */
export class World {
  readonly place: ShopPlace
  readonly orders: pg.Pool
  readonly payments: pg.Pool
  /** Who customers turn to, in turn. */
  instances: ShopInstance[] = []
  acknowledged: Acknowledged = new Map()
  /** What accounts that are only paid into and drawn from must have, in minor units. */
  readonly balances = new Map<number, bigint>()
  /** Orders whose task was discarded: they stay open, and those after them go on. */
  readonly givenUp = new Set<string>()
  /** Event ids by topic and key, in the order of first arrival. */
  readonly arrivals = new Map<string, string[]>()
  /** The last event of each outbox that a check has looked at. */
  readonly checkedTo = new Map<pg.Pool, string>()
  readonly #contents = new Map<string, string>()
  readonly observed: string[] = []
  #turn = 0
  #closing: (() => Promise<unknown>)[] = []

  private constructor(place: ShopPlace) {
    this.place = place
    this.orders = observerPool(place.databases.orders)
    this.payments = observerPool(place.databases.payments)
  }

  static async open(): Promise<World> {
    const [orders, payments] = await Promise.all([testDatabase('orders'), testDatabase('payments')])
    const prefix = uniqueName('shop')
    const world = new World({ databases: { orders, payments }, brokers: testBrokers(), prefix })
    world.#closing.push(
      () => world.orders.end(),
      () => world.payments.end(),
      () => orders.drop(),
      () => payments.drop(),
    )
    await world.#preparePoison()
    await world.#observe()
    return world
  }

  /** A payment of these users fails, as it would for a mistake in our code. */
  #preparePoison = () =>
    this.payments.query(`
      create table poisoned (user_id bigint);
      create function refuse_poisoned() returns trigger language plpgsql as $$ begin
        if exists (select from poisoned where user_id = new.user_id) then raise exception 'poison'; end if;
        return new;
      end $$;
      create trigger refuse_poisoned before insert on payments for each row execute function refuse_poisoned()`)

  async #observe(): Promise<void> {
    const log = openLog('observer', { LOG_LEVEL: 'silent', LOG_PRETTY: false })
    const kafka = openKafka({ brokers: this.place.brokers, clientId: 'observer', log })
    const transport = withPrefix(this.place.prefix, kafka)
    const topics = [tasksTopic, resultsTopic, statusTopic]
    const settings = { partitions: 2, replication: 1, minInsyncReplicas: 1 }
    // A broker under load does not know at once what it has just made; asked again, it does.
    await until(() => transport.ensureTopics(topics.map(topic => ({ topic, ...settings }))).then(() => true))
    const observer = await transport.subscribe({
      groupId: 'observer',
      topics,
      from: 'earliest',
      batchSizeMax: 1_000,
      offsetCommitIntervalMs: 1_000,
      onBatch: async messages => {
        for (const { topic, key, headers, value } of messages) {
          const id = headers.ce_id ?? 'no id'
          const earlier = this.#contents.get(id)
          if (earlier === undefined) {
            const name = `${topic} ${key}`
            this.arrivals.set(name, [...(this.arrivals.get(name) ?? []), id])
            this.#contents.set(id, String(value))
          } else if (earlier !== String(value)) this.observed.push(`event ${id} came with two contents`)
        }
      },
    })
    this.#closing.unshift(
      () => observer.close(),
      () => kafka.close(),
    )
  }

  hasArrived = (eventId: string) => this.#contents.has(eventId)

  /** As a good client does: until it knows, with the same idempotency key. */
  async ask(request: Request): Promise<Answer> {
    for (;;) {
      const instance = this.instances[this.#turn++ % this.instances.length]
      const tooLate = new AbortController()
      try {
        const answer = await Promise.race([
          instance?.ask(request),
          sleep(answerMsMax, undefined, { signal: tooLate.signal }),
        ])
        if (answer && answer.status < 500) return answer
      } catch {
        // Died or failed: the answer is unknown.
      } finally {
        tooLate.abort()
      }
      await sleep(retryAfterMs)
    }
  }

  async newUser(balance: number): Promise<number> {
    const user_id = newUserId()
    const body = { user_id, balance }
    await this.ask({
      act: 'call',
      service: 'payments',
      method: 'POST',
      url: '/users',
      key: randomUUID(),
      body,
    })
    return user_id
  }

  async placeOrder(user_id: number, amount: number): Promise<Order> {
    const body = { user_id, amount }
    const request = { service: 'orders', method: 'POST', url: '/orders', key: randomUUID(), body } as const
    const answer = await this.ask({ act: 'call', ...request })
    if (answer.status !== 201) throw new Error(`an order was refused: ${JSON.stringify(answer)}`)
    return answer.body as Order
  }

  async changeBalance(userId: number, balance_change: number): Promise<void> {
    const url = `/users/${userId}`
    const body = { balance_change }
    const request = { service: 'payments', method: 'PATCH', url, key: randomUUID(), body } as const
    const answer = await this.ask({ act: 'call', ...request })
    if (answer.status !== 200) throw new Error(`a change was refused: ${JSON.stringify(answer)}`)
  }

  /** Every connection of every instance, whatever it is doing. */
  async cutConnections(): Promise<void> {
    for (const pool of [this.orders, this.payments])
      await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and application_name <> 'observer'`)
  }

  /** What has been checked need not be looked at again. */
  async forget(): Promise<void> {
    for (const pool of [this.orders, this.payments]) {
      const { rows } = await pool.query('select max(id)::text as last from outbox')
      this.checkedTo.set(pool, rows[0].last)
    }
    this.acknowledged = new Map()
    this.balances.clear()
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map(instance => instance.stop()))
    for (const close of this.#closing) await close()
  }
}

const observerPool = (address: pg.PoolConfig) =>
  new pg.Pool({ ...address, application_name: 'observer', max: 4 }).on('error', () => {})
