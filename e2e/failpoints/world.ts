import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HeardMessage } from 'chaos/checker/read-state'
import { type Attempt, History } from 'chaos/load/history'
import { openLog } from 'edge/log'
import { minorFromChecked } from 'edge/money'
import { openKafka } from 'messaging/platformatic-transport'
import { statusTopic, tasksTopic } from 'orders-service/orders/order-events'
import { resultsTopic } from 'orders-service/orders/settle-orders'
import pg from 'pg'
import { testBrokers, testDatabase, uniqueName } from 'scripts/test-infrastructure'
import { newUserId, type Order } from '../shop-client.ts'
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
  history = new History()
  /** All that stands in the topics, in the order of each partition. */
  messages: HeardMessage[] = []
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
    this.orders = observerPool(place.databases.orders.owner)
    this.payments = observerPool(place.databases.payments.owner)
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
      grant select on poisoned to public;
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
      batchSizeMax: 1_000,
      offsetCommitIntervalMs: 1_000,
      onBatch: async messages => {
        for (const { topic, partition, key, headers, value } of messages) {
          this.messages.push({ topic, partition, message: { headers, value } })
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
    const user = newUserId()
    await this.#do({ act: 'open_account', user, amount: balance }, op => ({
      service: 'payments',
      method: 'POST',
      url: '/users',
      key: op,
      body: { user_id: user, balance },
    }))
    return user
  }

  placeOrder(user: number, amount: number): Promise<Order> {
    return this.#do({ act: 'place_order', user, amount }, op => ({
      service: 'orders',
      method: 'POST',
      url: '/orders',
      key: op,
      body: { user_id: user, amount, description: op },
    }))
  }

  async changeBalance(user: number, balance_change: number): Promise<void> {
    await this.#do({ act: 'change_balance', user, amount: balance_change }, op => ({
      service: 'payments',
      method: 'PATCH',
      url: `/users/${user}`,
      key: op,
      body: { balance_change },
    }))
  }

  async #do<Done extends { id: string }>(
    { act, user, amount }: Pick<Attempt, 'act' | 'user'> & { amount: number },
    call: (op: string) => Omit<Extract<Request, { act: 'call' }>, 'act'>,
  ): Promise<Done> {
    const op = randomUUID()
    const from = Date.now()
    const { status, body } = await this.ask({ act: 'call', ...call(op) })
    // An account that is there already was opened by an asking before, which got no answer.
    const isDone = status < 300 || (act === 'open_account' && status === 409)
    if (!isDone) throw new Error(`refused with ${status}: ${JSON.stringify(body)}`)
    const done = body as Done
    this.history.add({
      ...{ op, act, user, amount: String(minorFromChecked(amount)), from, to: Date.now(), outcome: 'ok' },
      ...(act === 'place_order' && { order: done.id }),
    })
    return done
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
    this.history = new History()
    this.messages = []
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map(instance => instance.stop()))
    for (const close of this.#closing) await close()
  }
}

const observerPool = (address: pg.PoolConfig) =>
  new pg.Pool({ ...address, application_name: 'observer', max: 4 }).on('error', () => {})
