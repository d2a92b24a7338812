import { CommonConfig, Port } from 'edge/config'
import { databaseConfig, type PostgresAddress } from 'edge/postgres'
import { type Static, Type } from 'typebox'

export const OrdersConfig = Type.Object({
  ...CommonConfig,
  ...databaseConfig('ORDERS', 'orders'),
  ORDERS_PORT: Port(8081),
  IDEMPOTENCY_RETENTION_HOURS: Type.Integer({ minimum: 1, maximum: 24 * 365, default: 24 }),
})
export type OrdersConfig = Static<typeof OrdersConfig>

export const databaseAddress = (config: OrdersConfig): PostgresAddress => ({
  host: config.ORDERS_DB_HOST,
  port: config.ORDERS_DB_PORT,
  database: config.ORDERS_DB_NAME,
  user: config.ORDERS_DB_USER,
  password: config.ORDERS_DB_PASSWORD,
})
