import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import type { DatabaseAddress } from 'migrations/migrate'
import pg from 'pg'
import type { Daemon } from 'scripts/infrastructure/daemon'
import { freePort } from 'scripts/infrastructure/ports'
import { serviceDaemon } from 'scripts/system/services'
import { projectFolder } from 'scripts/system/settings'
import type { BenchDatabase, KafkaForBench, Servers } from '../harness/servers.ts'
import { startWorker, type Worker } from '../harness/worker.ts'
import type { LoadQuestions } from '../load/load-process.ts'
import { watchUsage } from './usage.ts'

export type ShopOptions = {
  users: number
  /** Of the topics; as the services make them where it is not given. */
  partitions?: number
  /** Of orders-service and of payments-service each. */
  instances?: number
}

const settlePollMs = 20
const settleMsMax = 120_000
/** What no benchmark spends. */
const balanceMinor = 100_000_000_000

/** The whole system, as `npm start` runs it but without the rate limit, and a load generator in a process of its own. */
export class Shop {
  readonly gatewayUrl: string
  readonly ordersUrls: string[]
  readonly paymentsUrl: string
  readonly orders: pg.Pool
  readonly payments: pg.Pool
  readonly load: Worker<LoadQuestions>
  readonly #parts: Parts

  static async open(servers: Servers, options: ShopOptions): Promise<Shop> {
    const [orders, payments, kafka] = await Promise.all([
      servers.database('orders'),
      servers.database('payments'),
      servers.startKafka(),
    ])
    if (options.partitions) await makeTopics(kafka, options.partitions)
    await openAccounts(payments.address.owner, 1, options.users)
    const services = await startServices(
      servers,
      kafka,
      orders.address,
      payments.address,
      options.instances ?? 1,
    )
    const load = await startWorker<LoadQuestions>(new URL('../load/load-process.ts', import.meta.url))
    return new Shop({ orders, payments, kafka, services, load, servers })
  }

  private constructor(parts: Parts) {
    this.#parts = parts
    const { services, load, orders, payments } = parts
    const urls = (name: string) => services.filter(service => service.name === name).map(({ url }) => url)
    this.gatewayUrl = urls('gateway')[0]!
    this.ordersUrls = urls('orders-service')
    this.paymentsUrl = urls('payments-service')[0]!
    this.load = load
    this.orders = new pg.Pool({ ...orders.address, max: 2 })
    this.payments = new pg.Pool({ ...payments.address, max: 2 })
  }

  get kafka(): KafkaForBench {
    return this.#parts.kafka
  }

  /** As their owner. */
  get databases(): { orders: DatabaseAddress; payments: DatabaseAddress } {
    return { orders: this.#parts.orders.address.owner, payments: this.#parts.payments.address.owner }
  }

  get servers(): Servers {
    return this.#parts.servers
  }

  /** Of each process, with the load generator. */
  watchUsage() {
    const { services, kafka, servers, load } = this.#parts
    const named = Map.groupBy(services, ({ name }) => name)
    return watchUsage({
      ...Object.fromEntries([...named].map(([name, of]) => [name, of.map(({ daemon }) => daemon.pid!)])),
      kafka: [kafka.daemon.pid!],
      postgres: [servers.postgresDaemon.pid!],
      'load generator': [load.pid],
    })
  }

  /** Resolves when no order is open any more. */
  async settled(): Promise<void> {
    const deadline = Date.now() + settleMsMax
    const isOpen = "select from orders where status in ('NEW', 'PENDING_PAYMENT') limit 1"
    while ((await this.orders.query(isOpen)).rowCount !== 0) {
      if (Date.now() > deadline) throw new Error(`Orders were still open after ${settleMsMax / 1000} s.`)
      await sleep(settlePollMs)
    }
  }

  /** Orders a second that were accepted and settled; the time counts until the last one is. */
  async throughput(load: {
    urls: string[]
    connections: number
    seconds: number
    users: number
  }): Promise<number> {
    const startedAt = performance.now()
    const { accepted, refused, failed } = await this.load.ask('closedLoop', load)
    await this.settled()
    if (refused + failed > 0) throw new Error(`${refused} orders were refused and ${failed} requests broke.`)
    return (accepted * 1000) / (performance.now() - startedAt)
  }

  async close(): Promise<void> {
    const { services, kafka, orders, payments, load } = this.#parts
    await load.stop()
    await Promise.all([this.orders.end(), this.payments.end()])
    await Promise.all(services.map(({ daemon }) => daemon.retire()))
    await kafka.remove()
    await Promise.all([orders.drop(), payments.drop()])
  }
}

type Service = { name: string; url: string; daemon: Daemon }
type Parts = {
  orders: BenchDatabase
  payments: BenchDatabase
  kafka: KafkaForBench
  services: Service[]
  load: Worker<LoadQuestions>
  servers: Servers
}

async function startServices(
  servers: Servers,
  kafka: KafkaForBench,
  orders: DatabaseAddress,
  payments: DatabaseAddress,
  instances: number,
): Promise<Service[]> {
  const services: Service[] = []
  let first: { orders: number; payments: number } | undefined
  for (let instance = 1; instance <= instances; instance++) {
    const ports = { orders: await freePort(), payments: await freePort(), gateway: await freePort(), ui: 0 }
    first ??= ports
    const settings = {
      host: '127.0.0.1',
      ports,
      logFolder: servers.logFolder,
      env: {
        PATH: process.env.PATH,
        HOST: '127.0.0.1',
        LOG_PRETTY: 'false',
        RATE_LIMIT_PER_SECOND: '0',
        KAFKA_BROKERS: kafka.brokers.join(','),
        ORDERS_PORT: String(ports.orders),
        PAYMENTS_PORT: String(ports.payments),
        GATEWAY_PORT: String(ports.gateway),
        ORDERS_URL: `http://127.0.0.1:${first.orders}`,
        PAYMENTS_URL: `http://127.0.0.1:${first.payments}`,
        // As of a service that has been started before: the first start holds 18 MB more, of what reads TypeScript.
        NODE_COMPILE_CACHE: join(projectFolder, '.data', 'compile-cache'),
        ...databaseEnvironment('ORDERS', orders),
        ...databaseEnvironment('PAYMENTS', payments),
      },
    }
    const names = ['orders', 'payments', ...(instance === 1 ? ['gateway'] : [])] as (
      | 'orders'
      | 'payments'
      | 'gateway'
    )[]
    for (const name of names) {
      const daemon = serviceDaemon(name, { settings })
      servers.track(daemon)
      services.push({ name: daemon.name, url: `http://127.0.0.1:${ports[name]}`, daemon })
    }
  }
  await Promise.all(services.map(({ daemon }) => daemon.start()))
  return services
}

const databaseEnvironment = (prefix: string, address: DatabaseAddress): Record<string, string> => ({
  [`${prefix}_DB_HOST`]: address.host,
  [`${prefix}_DB_PORT`]: String(address.port),
  [`${prefix}_DB_NAME`]: address.database,
  [`${prefix}_DB_USER`]: address.user,
  [`${prefix}_DB_PASSWORD`]: address.password,
})

/** Accounts with the user ids from the first to the last, each with its opening entry. */
export async function openAccounts(database: pg.ClientConfig, first: number, last: number): Promise<void> {
  const client = new pg.Client(database)
  await client.connect()
  await client.query(
    `with opened as (
       insert into accounts (user_id, id, balance_minor, created_at, updated_at)
       select n, uuidv7(), $3, now(), now() from generate_series($1::bigint, $2::bigint) n
       returning user_id
     )
     insert into ledger_entries (user_id, id, kind, amount_minor, balance_after_minor, created_at)
     select user_id, uuidv7(), 'opening', $3, $3, now() from opened`,
    [first, last, balanceMinor],
  )
  await client.query('analyze accounts, ledger_entries')
  await client.end()
}

async function makeTopics({ brokers }: KafkaForBench, partitions: number): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const topics = ['order_payment_tasks', 'payment_status_updates', 'order_status_updates']
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map(topic => ({ topic, numPartitions: partitions })),
  })
  await admin.disconnect()
}
