import { mkdirSync } from 'node:fs'
import { freePort } from 'scripts/infrastructure/ports'
import type { PostgresAddress } from 'scripts/infrastructure/postgres'
import { createDatabase, prepareServer } from 'scripts/testing/databases'
import { databaseEnvironment, type TestedService, testedServices } from 'scripts/testing/launch-system'
import { RunFolder } from 'scripts/testing/run-folder'
import {
  chooseServers,
  startTestKafka,
  startTestPostgres,
  type TestKafka,
  type TestPostgres,
} from 'scripts/testing/servers'
import { FaultProxy } from '../network/fault-proxy.ts'
import { Disk, type MountRefusedError, unlessMounted } from './disk.ts'
import { Instance } from './instance.ts'

/** Each way that one part reaches another. */
export const wires = [
  'clients-gateway',
  'gateway-orders',
  'gateway-payments',
  'orders-postgres',
  'payments-postgres',
  'all-kafka',
] as const
export type Wire = (typeof wires)[number]
export type Databases = Record<'orders' | 'payments', PostgresAddress & { database: string }>

export type ChaosSystemOptions = {
  /** Of each service. */
  instances: number
  logFolder: string
  random: () => number
  onUnexpectedEnd: (instance: Instance, how: string) => void
}

/** A whole system of its own, with a fault proxy in every wire. */
export type ChaosSystem = {
  gatewayUrl: string
  brokers: string[]
  /** Past the proxies, for who looks on. */
  databases: Databases
  proxies: Record<Wire, FaultProxy>
  instances: Instance[]
  postgres: TestPostgres
  kafka: TestKafka
  superuser: PostgresAddress
  /** Of a database. Throws where this machine lets us mount none. */
  diskOf(service: keyof Databases): Disk
  /** One more of a service: it shares the work behind the topics, and no calls come to it. Not spawned. */
  makeInstance(service: TestedService): Promise<Instance>
  stop(): Promise<void>
}

export async function startChaosSystem(options: ChaosSystemOptions): Promise<ChaosSystem> {
  const { logFolder, random } = options
  mkdirSync(logFolder, { recursive: true })
  const kind = await chooseServers()
  const run = new RunFolder()
  const proxies = {} as Record<Wire, FaultProxy>
  for (const wire of wires) {
    proxies[wire] = new FaultProxy({ port: await freePort(), targets: [], random })
    await proxies[wire].listen()
  }
  const kafkaPort = await freePort()
  proxies['all-kafka'].targets.push(kafkaPort)
  const [postgres, kafka] = await Promise.all([
    startTestPostgres(kind),
    startTestKafka(kind, { port: kafkaPort, advertisedPort: proxies['all-kafka'].port }),
  ])
  const server = await prepareServer(postgres.address)
  const databases = {
    orders: await createDatabase(server, 'orders'),
    payments: await createDatabase(server, 'payments'),
  }
  const disks = {
    orders: await openDisk(postgres, databases.orders.database),
    payments: await openDisk(postgres, databases.payments.database),
  }
  proxies['orders-postgres'].targets.push(postgres.address.port)
  proxies['payments-postgres'].targets.push(postgres.address.port)

  const url = (wire: Wire) => `http://127.0.0.1:${proxies[wire].port}`
  const env = {
    ...process.env,
    HOST: '127.0.0.1',
    LOG_PRETTY: 'false',
    RATE_LIMIT_PER_SECOND: '0',
    // Short turns leave short pauses, so that all can be audited at the end of a round.
    INTEGRITY_TURN: '1s',
    INTEGRITY_SETTLED_WITHIN: '1s',
    ORDERS_URL: url('gateway-orders'),
    PAYMENTS_URL: url('gateway-payments'),
    KAFKA_BROKERS: `127.0.0.1:${proxies['all-kafka'].port}`,
    ...databaseEnvironment('ORDERS', { ...databases.orders, port: proxies['orders-postgres'].port }),
    ...databaseEnvironment('PAYMENTS', { ...databases.payments, port: proxies['payments-postgres'].port }),
  }
  const made: Instance[] = []
  const make = (service: TestedService, port: number) => {
    const number = made.filter(other => other.service === service).length + 1
    const instance = new Instance({
      service,
      number,
      port,
      logFolder,
      env,
      onUnexpectedEnd: options.onUnexpectedEnd,
    })
    run.track(instance.daemon)
    made.push(instance)
    return instance
  }
  const doors: Record<TestedService, Wire> = {
    orders: 'gateway-orders',
    payments: 'gateway-payments',
    gateway: 'clients-gateway',
  }
  for (const service of testedServices) {
    for (let i = 0; i < options.instances; i++) {
      const port = await freePort()
      make(service, port)
      proxies[doors[service]].targets.push(port)
    }
  }
  const instances = [...made]

  async function stop(): Promise<void> {
    for (const instance of made) instance.thaw()
    await Promise.all(made.map(instance => instance.kill()))
    await Promise.all(Object.values(proxies).map(proxy => proxy.close()))
    await Promise.all([kafka.remove(), postgres.remove()])
    for (const disk of Object.values(disks)) if (disk instanceof Disk) await disk.remove()
    run.remove()
  }
  try {
    for (const instance of instances) await instance.spawn()
    await Promise.all(instances.map(({ daemon }) => daemon.untilReady()))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    gatewayUrl: url('clients-gateway'),
    brokers: kafka.brokers,
    databases,
    proxies,
    instances,
    postgres,
    kafka,
    superuser: postgres.address,
    diskOf(service) {
      const disk = disks[service]
      if (disk instanceof Disk) return disk
      throw disk
    },
    makeInstance: async service => make(service, await freePort()),
    stop,
  }
}

const openDisk = (postgres: TestPostgres, database: string): Promise<Disk | MountRefusedError> =>
  Disk.open(postgres.address, database).catch(unlessMounted)
