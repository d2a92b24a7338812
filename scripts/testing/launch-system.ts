import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseAddress } from 'migrations/migrate'
import type { Daemon, Exit } from '../infrastructure/daemon.ts'
import { readLines } from '../infrastructure/log-file.ts'
import { freePort } from '../infrastructure/ports.ts'
import { serviceDaemon } from '../system/services.ts'
import {
  createDatabase,
  type DatabaseServer,
  dropDatabase,
  prepareServer,
  type ServiceDatabase,
} from './databases.ts'
import { RunFolder } from './run-folder.ts'
import {
  chooseServers,
  startTestKafka,
  startTestPostgres,
  type TestKafka,
  type TestPostgres,
} from './servers.ts'

export type TestedService = 'orders' | 'payments' | 'gateway'
export const testedServices: TestedService[] = ['orders', 'payments', 'gateway']

/** Where a running system is; plain data, so that it reaches the workers. */
export type SystemAddresses = {
  gatewayUrl: string
  ordersUrl: string
  paymentsUrl: string
  brokers: string[]
  databases: { orders: ServiceDatabase; payments: ServiceDatabase }
  operatorToken: string
  logFiles: Record<TestedService, string>
}

export type ServiceHandle = {
  /** SIGKILL by default; answers how it ended. */
  kill(signal?: NodeJS.Signals): Promise<Exit>
  /** Starts it again on its port and waits until it is healthy. */
  start(): Promise<void>
  /** SIGTERM, and SIGKILL after 12 s. */
  stop(): Promise<Exit>
  /** The end of the process that runs now. */
  readonly exited: Promise<Exit>
  /** All lines logged so far, JSON each, also those of earlier processes. */
  logs(): string[]
}

export type SystemHandle = Omit<SystemAddresses, 'logFiles'> & {
  services: Record<TestedService, ServiceHandle>
  stop(): Promise<void>
}

export type LaunchOptions = {
  /** A Postgres of the system's own, which a test may kill; else databases of its own on the shared one. */
  privatePostgres?: boolean
  /** A Kafka that the test has started; it goes with the system. */
  kafka?: TestKafka
  /** On top of the services' environment. */
  env?: Record<string, string>
}

export type LaunchedSystem = SystemHandle & {
  addresses: SystemAddresses
  /** Topic names are fixed, so each system has its own. */
  kafka: TestKafka
  /** Only with `privatePostgres`. */
  postgres: TestPostgres | undefined
}

/** A whole system as real processes on free ports. Healthy when this returns; `stop()` leaves nothing. */
export async function launchSystem(
  shared: DatabaseServer,
  { privatePostgres = false, kafka: given, env = {} }: LaunchOptions = {},
): Promise<LaunchedSystem> {
  const kind = await chooseServers()
  const [kafka, postgres, ...free] = await Promise.all([
    given ?? startTestKafka(kind),
    privatePostgres ? startTestPostgres(kind) : undefined,
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ])
  const [orders, payments, gateway, ui] = free
  const ports = { orders, payments, gateway, ui }
  const server = postgres ? await prepareServer(postgres.address) : shared
  const databases = {
    orders: await createDatabase(server, 'orders'),
    payments: await createDatabase(server, 'payments'),
  }
  const operatorToken = randomBytes(16).toString('hex')
  const run = new RunFolder()
  const logFolder = join(run.path, 'logs')
  mkdirSync(logFolder)
  const url = (name: TestedService) => `http://127.0.0.1:${ports[name]}`
  const settings = {
    host: '127.0.0.1',
    ports,
    logFolder,
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      LOG_PRETTY: 'false',
      ORDERS_PORT: String(orders),
      PAYMENTS_PORT: String(payments),
      GATEWAY_PORT: String(gateway),
      ORDERS_URL: url('orders'),
      PAYMENTS_URL: url('payments'),
      KAFKA_BROKERS: kafka.brokers.join(','),
      OPERATOR_TOKEN: operatorToken,
      ...databaseEnvironment('ORDERS', databases.orders),
      ...databaseEnvironment('PAYMENTS', databases.payments),
      ...env,
    },
  }
  const daemons = Object.fromEntries(
    testedServices.map(name => [name, serviceDaemon(name, { settings })]),
  ) as Record<TestedService, Daemon>

  async function stop(): Promise<void> {
    await daemons.gateway.retire()
    await Promise.all([daemons.orders.retire(), daemons.payments.retire()])
    await Promise.all([kafka.remove(), postgres?.remove()])
    if (!postgres) await Promise.all(Object.values(databases).map(it => dropDatabase(server, it.database)))
    run.remove()
  }

  try {
    for (const name of testedServices) run.track(daemons[name])
    await Promise.all(testedServices.map(name => daemons[name].start()))
  } catch (error) {
    const logs = testedServices.flatMap(name =>
      readLines(daemons[name].options.logFile).slice(-logLinesShown),
    )
    await stop()
    throw new Error(`The system under test did not start. ${(error as Error).message}\n${logs.join('\n')}`)
  }

  const addresses: SystemAddresses = {
    gatewayUrl: url('gateway'),
    ordersUrl: url('orders'),
    paymentsUrl: url('payments'),
    brokers: kafka.brokers,
    databases,
    operatorToken,
    logFiles: mapServices(name => daemons[name].options.logFile),
  }
  return {
    ...addresses,
    addresses,
    kafka,
    postgres,
    services: mapServices(name => handle(daemons[name])),
    stop,
  }
}

const logLinesShown = 10

/** The same handle for a system that another process runs: it may be used, not stopped or killed. */
export function attachToSystem(addresses: SystemAddresses): SystemHandle {
  const refuse = () => {
    throw new Error('This system is shared by all tests of the run. Ask for startSystem({ private: true }).')
  }
  return {
    ...addresses,
    services: mapServices(name => ({
      kill: refuse,
      start: refuse,
      stop: refuse,
      get exited() {
        return refuse()
      },
      logs: () => readLines(addresses.logFiles[name]),
    })),
    stop: async () => undefined,
  }
}

function handle(daemon: Daemon): ServiceHandle {
  return {
    kill: signal => daemon.kill(signal),
    start: () => daemon.start(),
    stop: () => daemon.stop(),
    get exited() {
      return daemon.exited
    },
    logs: () => readLines(daemon.options.logFile),
  }
}

function mapServices<Value>(of: (name: TestedService) => Value): Record<TestedService, Value> {
  return { orders: of('orders'), payments: of('payments'), gateway: of('gateway') }
}

/** What tells a service where its database is. */
export function databaseEnvironment(prefix: string, address: DatabaseAddress): Record<string, string> {
  return {
    [`${prefix}_DB_HOST`]: address.host,
    [`${prefix}_DB_PORT`]: String(address.port),
    [`${prefix}_DB_NAME`]: address.database,
    [`${prefix}_DB_USER`]: address.user,
    [`${prefix}_DB_PASSWORD`]: address.password,
  }
}
