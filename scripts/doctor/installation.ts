import { CommonConfig, parseConfig } from 'edge/config'
import { Duration, millisecondsOf } from 'edge/duration'
import { EngineConfig } from 'edge/engine-config'
import { hostAndPort } from 'edge/host-and-port'
import { kafkaLogin, kafkaMistakes, kafkaSettings } from 'edge/kafka'
import { databaseAddress, databaseConfig, openDatabase, openPool, type PostgresAddress } from 'edge/postgres'
import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { Type } from 'typebox'
import { readSettings } from '../system/settings.ts'
import { KafkaCluster } from './kafka-cluster.ts'

export type Database = {
  name: 'orders' | 'payments'
  where: string
  at: string
  pool: Pool
  db: Kysely<unknown>
}
export type Service = { name: string; where: string; url: string }

/** What there is to look at, connected to on first use. */
export type Installation = {
  databases: Database[]
  kafka: KafkaCluster | undefined
  services: Service[]
  topics: string[]
  longestStopMs: number
  inboxRetentionMs: number
  /** This machine's clock, in milliseconds. */
  now(): number
}

const shopTopics = ['order_payment_tasks', 'payment_status_updates', 'order_status_updates']

export const DoctorConfig = Type.Object({
  ...CommonConfig,
  ...kafkaLogin('DOCTOR'),
  ...databaseConfig('ORDERS', 'orders'),
  ...databaseConfig('PAYMENTS', 'payments'),
  INBOX_RETENTION: EngineConfig.INBOX_RETENTION,
  GATEWAY_URL: Type.String(),
  ORDERS_URL: Type.String(),
  PAYMENTS_URL: Type.String(),
  /** How long a consumer may stand still before somebody has brought it back. */
  LONGEST_STOP: Duration('3d'),
})

/** What `npm start` runs, or where the environment says. Throws a ConfigError that names every mistake. */
export function installationOf(given: Record<string, string | undefined>): Installation {
  const { env } = readSettings(given)
  const config = parseConfig(DoctorConfig, env, kafkaMistakes('DOCTOR'))
  const database = (name: 'orders' | 'payments', prefix: 'ORDERS' | 'PAYMENTS') =>
    openDatabaseOf(name, databaseAddress(config, prefix))
  return {
    databases: [database('orders', 'ORDERS'), database('payments', 'PAYMENTS')],
    kafka: new KafkaCluster(kafkaSettings(config, 'DOCTOR')),
    services: Object.entries({
      gateway: config.GATEWAY_URL,
      orders: config.ORDERS_URL,
      payments: config.PAYMENTS_URL,
    }).map(([name, url]) => ({ name, where: name === 'gateway' ? name : `${name}-service`, url })),
    topics: shopTopics,
    longestStopMs: millisecondsOf(config.LONGEST_STOP),
    inboxRetentionMs: millisecondsOf(config.INBOX_RETENTION),
    now: Date.now,
  }
}

/** With the pool that services have, so that what stands in their way stands in ours. */
export function openDatabaseOf(name: Database['name'], address: PostgresAddress): Database {
  const pool = openPool(address, 'doctor', 4)
  const at = `${hostAndPort(address.host, address.port)}/${address.database}`
  return { name, where: `${name} database`, at, pool, db: openDatabase(pool) }
}

export async function closeInstallation({ databases, kafka }: Installation): Promise<void> {
  await Promise.all([...databases.map(({ pool }) => pool.end()), kafka?.close()])
}
