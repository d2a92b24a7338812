import { CommonConfig, Port } from 'edge/config'
import { EngineConfig } from 'edge/engine-config'
import { kafkaLogin } from 'edge/kafka'
import { OperatorConfig } from 'edge/operator-token'
import { databaseConfig } from 'edge/postgres'
import { MetricsPort, TelemetryConfig } from 'edge/telemetry/start-telemetry'
import { Type } from 'typebox'

export const OrdersConfig = Type.Object({
  ...CommonConfig,
  ...EngineConfig,
  ...OperatorConfig,
  ...TelemetryConfig,
  ...kafkaLogin('ORDERS'),
  ...databaseConfig('ORDERS', 'orders'),
  ORDERS_METRICS_PORT: MetricsPort,
  ORDERS_PORT: Port(8081),
})
