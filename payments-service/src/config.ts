import { CommonConfig, Port } from 'edge/config'
import { EngineConfig } from 'edge/engine-config'
import { kafkaLogin } from 'edge/kafka'
import { OperatorConfig } from 'edge/operator-token'
import { databaseConfig } from 'edge/postgres'
import { MetricsPort, TelemetryConfig } from 'edge/telemetry/start-telemetry'
import { Type } from 'typebox'

export const PaymentsConfig = Type.Object({
  ...CommonConfig,
  ...EngineConfig,
  ...OperatorConfig,
  ...TelemetryConfig,
  ...kafkaLogin('PAYMENTS'),
  ...databaseConfig('PAYMENTS', 'payments'),
  PAYMENTS_METRICS_PORT: MetricsPort,
  PAYMENTS_PORT: Port(8082),
})
