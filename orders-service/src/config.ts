import { CommonConfig, Port } from 'edge/config'
import { EngineConfig } from 'edge/engine-config'
import { databaseConfig } from 'edge/postgres'
import { Type } from 'typebox'

export const OrdersConfig = Type.Object({
  ...CommonConfig,
  ...EngineConfig,
  ...databaseConfig('ORDERS', 'orders'),
  ORDERS_PORT: Port(8081),
})
