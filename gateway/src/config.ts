import { CommonConfig, Port } from 'edge/config'
import { Duration } from 'edge/duration'
import { kafkaLogin } from 'edge/kafka'
import { MetricsPort, TelemetryConfig } from 'edge/telemetry/start-telemetry'
import { type Static, Type } from 'typebox'

const Origin = (fallback: string) => Type.String({ pattern: '^https?://[^\\s/?#,]+$', default: fallback })

export const GatewayConfig = Type.Object({
  ...CommonConfig,
  ...TelemetryConfig,
  ...kafkaLogin('GATEWAY'),
  GATEWAY_METRICS_PORT: MetricsPort,
  GATEWAY_PORT: Port(8080),
  ORDERS_URL: Origin('http://127.0.0.1:8081'),
  PAYMENTS_URL: Origin('http://127.0.0.1:8082'),
  /** From a request's arrival to its answer; then it is 503. */
  UPSTREAM_TIMEOUT_MS: Type.Integer({ minimum: 100, maximum: 60_000, default: 5_000 }),
  /** Where a browser may call from, comma-separated. */
  CORS_ORIGINS: Type.String({
    pattern: '^https?://[^\\s/?#,]+(,https?://[^\\s/?#,]+)*$',
    default: 'http://localhost:3000,http://127.0.0.1:3000',
  }),
  /** Of one client; 0 sets no limit. */
  RATE_LIMIT_PER_SECOND: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 1_000 }),
  /** Event streams open at once, of all clients together. */
  EVENT_STREAMS_MAX: Type.Integer({ minimum: 1, maximum: 100_000, default: 1_000 }),
  /** When a turn of the audit is taken: minute, hour, day, month, weekday, with seconds before them if need be. */
  INTEGRITY_SCHEDULE: Type.String({ pattern: '^\\S+( \\S+){4,5}$', default: '* * * * *' }),
  /** An order that is open for longer is a violation; younger ones are not judged. */
  INTEGRITY_SETTLED_WITHIN: Duration('15m'),
  /** How long a turn works, whatever there is to check; by schedule it rests in between. A minute of work is a turn of five. */
  INTEGRITY_TURN: Type.String({ ...Duration('3s'), pattern: '^(([1-9]|[1-5]\\d|60)s|1m)$' }),
  /** Addresses of proxies whose X-Forwarded-For names the client; without it the client is who connects. */
  TRUSTED_PROXIES: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F.:/]+(,[0-9a-fA-F.:/]+)*$' })),
})
export type GatewayConfig = Static<typeof GatewayConfig>
