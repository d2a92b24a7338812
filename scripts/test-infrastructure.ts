import { randomBytes } from 'node:crypto'
import type { DatabaseAddress, MigrationSet } from 'migrations/migrate'
import { inject } from 'vitest'
import { createDatabase, dropDatabase } from './testing/databases.ts'
import {
  chooseServers,
  startTestKafka,
  startTestPostgres,
  type TestKafka,
  type TestPostgres,
} from './testing/servers.ts'
// Its declaration of what is provided to tests.
import type {} from './testing/setup-infrastructure.ts'

export type TestDatabase = DatabaseAddress & {
  /** Ends all sessions and deletes it. */
  drop(): Promise<void>
}

/** A fresh, migrated database of the run's shared Postgres, in well under 100 ms once its kind was asked for. */
export async function testDatabase(kind: MigrationSet): Promise<TestDatabase> {
  const { databaseServer } = inject('testInfrastructure')
  const address = await createDatabase(databaseServer, kind)
  return { ...address, drop: () => dropDatabase(databaseServer, address.database) }
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
