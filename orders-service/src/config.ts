import { CommonConfig, Port } from 'edge/config'
import { EngineConfig } from 'edge/engine-config'
import { OperatorConfig } from 'edge/operator-token'
import { databaseConfig } from 'edge/postgres'
import { MetricsPort, TelemetryConfig } from 'edge/telemetry/start-telemetry'
import { Type } from 'typebox'

export const OrdersConfig = Type.Object({
  ...CommonConfig,
  ...EngineConfig,
  ...OperatorConfig,
  ...TelemetryConfig,
  ...databaseConfig('ORDERS', 'orders'),
  ORDERS_METRICS_PORT: MetricsPort,
  ORDERS_PORT: Port(8081),
})
