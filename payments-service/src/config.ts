import { CommonConfig, Port } from 'edge/config'
import { databaseConfig, type PostgresAddress } from 'edge/postgres'
import { type Static, Type } from 'typebox'

export const PaymentsConfig = Type.Object({
  ...CommonConfig,
  ...databaseConfig('PAYMENTS', 'payments'),
  PAYMENTS_PORT: Port(8082),
  IDEMPOTENCY_RETENTION_HOURS: Type.Integer({ minimum: 1, maximum: 24 * 365, default: 24 }),
})
export type PaymentsConfig = Static<typeof PaymentsConfig>

export const databaseAddress = (config: PaymentsConfig): PostgresAddress => ({
  host: config.PAYMENTS_DB_HOST,
  port: config.PAYMENTS_DB_PORT,
  database: config.PAYMENTS_DB_NAME,
  user: config.PAYMENTS_DB_USER,
  password: config.PAYMENTS_DB_PASSWORD,
})
