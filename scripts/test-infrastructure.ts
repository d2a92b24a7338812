import { randomBytes } from 'node:crypto'
import type { MigrationSet } from 'migrations/migrate'
import pg from 'pg'
import { inject } from 'vitest'
import { createDatabase, dropDatabase, type ServiceDatabase } from './testing/databases.ts'
import {
  attachToSystem,
  type LaunchedSystem,
  type LaunchOptions,
  launchSystem,
  type SystemHandle,
} from './testing/launch-system.ts'
import {
  chooseServers,
  startTestKafka,
  startTestPostgres,
  type TestKafka,
  type TestPostgres,
} from './testing/servers.ts'
// For their declarations of what is provided to tests.
import type {} from './testing/setup-infrastructure.ts'
import type {} from './testing/setup-system.ts'

export type TestDatabase = ServiceDatabase & {
  /** As who owns the tables: for what a test does and its service may not. Takes several statements, too. */
  asOwner<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>
  /** Ends all sessions and deletes it. */
  drop(): Promise<void>
}

/** A fresh, migrated database of the run's shared Postgres, in well under 100 ms once its kind was asked for. */
export async function testDatabase(kind: MigrationSet): Promise<TestDatabase> {
  const { databaseServer } = inject('testInfrastructure')
  const database = await createDatabase(databaseServer, kind)
  const owner = new pg.Pool({ ...database.owner, max: 1 })
  // Sessions are ended on purpose by some tests, and all of them when the database is dropped.
  owner.on('error', () => {}).on('connect', client => client.on('error', () => {}))
  return {
    ...database,
    asOwner: (text, values) => owner.query(text, values),
    async drop() {
      await owner.end()
      await dropDatabase(databaseServer, database.database)
    },
  }
}

/** The run's shared Kafka. Use `uniqueName` for topics and groups. */
export function testBrokers(): string[] {
  return inject('testInfrastructure').brokers
}

export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`
}

/** A Postgres of the test's own, started, which it may stop, start and kill. `remove()` it at the end. */
export async function startPrivatePostgres(): Promise<TestPostgres> {
  return startTestPostgres(await chooseServers())
}

/** A Kafka of the test's own, started, which it may stop, start and kill. `remove()` it at the end. */
export async function startPrivateKafka(): Promise<TestKafka> {
  return startTestKafka(await chooseServers())
}

/**
 * Without options: the whole system that all e2e files of a run share. Its users and orders are everybody's,
 * so use user ids of your own; it may not be killed.
 *
 * With `private`: a whole system of the test's own, whose processes, Kafka and (with `privatePostgres`)
 * Postgres it may kill. `stop()` it at the end.
 */
export async function startSystem(): Promise<SystemHandle>
export async function startSystem(options: { private: true } & LaunchOptions): Promise<LaunchedSystem>
export async function startSystem(options?: LaunchOptions): Promise<SystemHandle> {
  if (!options) return attachToSystem(inject('testSystem'))
  return launchSystem(inject('testInfrastructure').databaseServer, options)
}
