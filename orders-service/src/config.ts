import { CommonConfig, Port } from 'edge/config'
import { EngineConfig } from 'edge/engine-config'
import { OperatorConfig } from 'edge/operator-token'
import { databaseConfig } from 'edge/postgres'
import { Type } from 'typebox'

export const OrdersConfig = Type.Object({
  ...CommonConfig,
  ...EngineConfig,
  ...OperatorConfig,
  ...databaseConfig('ORDERS', 'orders'),
  ORDERS_PORT: Port(8081),
})
