import type { PostgresAddress } from '../infrastructure/postgres.ts'
import { cleanServer, type DatabaseServer, prepareServer } from './databases.ts'
import { sweepAbandonedRuns } from './run-folder.ts'
import {
  chooseInfrastructure,
  type InfrastructureKind,
  startTestKafka,
  startTestPostgres,
} from './servers.ts'

/** One Postgres and one Kafka that all tests of a run share; plain data, so that it reaches the workers. */
export type TestInfrastructure = {
  kind: InfrastructureKind
  databaseServer: DatabaseServer
  brokers: string[]
}

export type RunningInfrastructure = { infrastructure: TestInfrastructure; stop(): Promise<void> }

export async function startInfrastructure(): Promise<RunningInfrastructure> {
  const kind = await chooseInfrastructure()
  if (kind === 'external') return useExternal()
  await sweepAbandonedRuns()
  const [postgres, kafka] = await Promise.all([startTestPostgres(kind), startTestKafka(kind)])
  const databaseServer = await prepareServer(postgres.address)
  return {
    infrastructure: { kind, databaseServer, brokers: kafka.brokers },
    async stop() {
      await Promise.all([postgres.remove(), kafka.remove()])
      await sweepAbandonedRuns()
    },
  }
}

async function useExternal(): Promise<RunningInfrastructure> {
  const { TEST_POSTGRES_URL, TEST_KAFKA_BROKERS } = process.env
  if (!TEST_POSTGRES_URL || !TEST_KAFKA_BROKERS) {
    throw new Error(
      'TEST_INFRA is external: set TEST_POSTGRES_URL (postgres://superuser:password@host:port) and TEST_KAFKA_BROKERS (host:port,host:port).',
    )
  }
  const databaseServer = await prepareServer(parsePostgresUrl(TEST_POSTGRES_URL))
  return {
    infrastructure: { kind: 'external', databaseServer, brokers: TEST_KAFKA_BROKERS.split(',') },
    stop: () => cleanServer(databaseServer),
  }
}

function parsePostgresUrl(text: string): PostgresAddress {
  const url = new URL(text)
  return {
    host: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username || 'postgres'),
    password: decodeURIComponent(url.password),
  }
}
