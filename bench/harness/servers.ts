import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { MigrationSet } from 'migrations/migrate'
import pg from 'pg'
import type { Daemon } from 'scripts/infrastructure/daemon'
import { embeddedKafka } from 'scripts/infrastructure/kafka'
import { findKafkaRuntime } from 'scripts/infrastructure/kafka-runtime'
import { freePort } from 'scripts/infrastructure/ports'
import { embeddedPostgres, type PostgresAddress } from 'scripts/infrastructure/postgres'
import { kafkaLibraryFolder } from 'scripts/system/settings'
import {
  createDatabase,
  type DatabaseServer,
  dropDatabase,
  prepareServer,
  type ServiceDatabase,
} from 'scripts/testing/databases'

export type BenchDatabase = { address: ServiceDatabase; drop(): Promise<void> }
export type KafkaForBench = { brokers: string[]; daemon: Daemon; jmxPort: number; remove(): Promise<void> }

/** Servers set as in production: fsync and synchronous_commit on, the broker as `npm start` runs it. */
export type Servers = {
  /** The superuser. */
  postgres: PostgresAddress
  postgresDaemon: Daemon
  databaseServer: DatabaseServer
  /** Shared; topics need names of their own. */
  kafka: KafkaForBench
  /** A fresh, migrated database with an ordinary owner. */
  database(kind: MigrationSet): Promise<BenchDatabase>
  /** A broker of one's own: the shop's topics have fixed names. Remove it when it is done with. */
  startKafka(): Promise<KafkaForBench>
  asSuperuser<Result>(act: (client: pg.Client) => Promise<Result>, database?: string): Promise<Result>
  /** A further server of a section's: should it be left over, the next run ends it. */
  track(daemon: Daemon): void
  logFolder: string
  stop(): Promise<void>
}

type ServersOptions = {
  folder: string
  /** Logical only for those who read the WAL: it makes every update write more. */
  walLevel: 'replica' | 'logical'
  track: (daemon: Daemon) => void
  say: (line: string) => void
}

export async function startServers({ folder, walLevel, track, say }: ServersOptions): Promise<Servers> {
  const logFolder = join(folder, 'logs')
  mkdirSync(logFolder, { recursive: true })
  const server = await embeddedPostgres({
    folder: join(folder, 'postgres'),
    port: await freePort(),
    logFile: join(logFolder, 'postgres.log'),
    durable: true,
  })
  const postgres = server.address
  const brokers = new Set<KafkaForBench>()
  const others: Daemon[] = []
  track(server.daemon)

  async function asSuperuser<Result>(
    act: (client: pg.Client) => Promise<Result>,
    database = 'postgres',
  ): Promise<Result> {
    const client = new pg.Client({ ...postgres, database })
    await client.connect()
    try {
      return await act(client)
    } finally {
      await client.end()
    }
  }

  let kafkas = 0
  async function startKafka(): Promise<KafkaForBench> {
    const name = `kafka-${++kafkas}`
    const jmxPort = await freePort()
    const {
      brokers: addresses,
      daemon,
      remove,
    } = await embeddedKafka({
      folder: join(folder, name),
      port: await freePort(),
      logFile: join(logFolder, `${name}.log`),
      runtime: await findKafkaRuntime(kafkaLibraryFolder, say),
      jmxPort,
    })
    track(daemon)
    await daemon.start()
    const kafka: KafkaForBench = {
      brokers: addresses,
      daemon,
      jmxPort,
      async remove() {
        await daemon.kill()
        remove()
        brokers.delete(kafka)
      },
    }
    brokers.add(kafka)
    return kafka
  }

  async function stop(): Promise<void> {
    await Promise.all([...brokers].map(kafka => kafka.remove()))
    await Promise.all(others.map(daemon => daemon.kill()))
    await server.daemon.stop()
    server.remove()
  }

  try {
    const [kafka] = await Promise.all([startKafka(), startPostgres()])
    const databaseServer = await prepareServer(postgres)
    return {
      postgres,
      postgresDaemon: server.daemon,
      databaseServer,
      kafka,
      async database(kind) {
        const address = await createDatabase(databaseServer, kind)
        return { address, drop: () => dropDatabase(databaseServer, address.database) }
      },
      startKafka,
      asSuperuser,
      track(daemon) {
        others.push(daemon)
        track(daemon)
      },
      logFolder,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }

  /** Statements can be counted, and are not until somebody asks: counting them costs a few percent. Commits have times. */
  async function startPostgres(): Promise<void> {
    await server.daemon.start()
    await asSuperuser(async client => {
      await client.query("alter system set shared_preload_libraries = 'pg_stat_statements'")
      await client.query("alter system set pg_stat_statements.track = 'none'")
      await client.query(`alter system set wal_level = '${walLevel}'`)
      await client.query('alter system set track_commit_timestamp = on')
    })
    await server.daemon.stop()
    await server.daemon.start()
  }
}
