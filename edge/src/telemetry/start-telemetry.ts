import { type Static, Type } from 'typebox'
import type { Logger } from '../log.ts'
import { type Metrics, openMetrics, serveMetrics } from './metrics.ts'
import type { Tracing } from './tracing.ts'

/** Where `GET /metrics` is; nowhere without it. */
export const MetricsPort = Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 }))

/** Variables of every service, named as OpenTelemetry names them; its exporter reads more of them by itself. */
export const TelemetryConfig = {
  /** Where traces go, such as http://127.0.0.1:4318; none are made without it. */
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(Type.String({ pattern: '^https?://\\S+$' })),
  /** The part of the traces begun here that is recorded. */
  OTEL_TRACES_SAMPLER_ARG: Type.Number({ minimum: 0, maximum: 1, default: 1 }),
}

/** What a process tells of itself besides its log. */
export type Telemetry = { metrics: Metrics; tracing: Tracing | undefined }

type Settings = { [Name in 'OTEL_TRACES_SAMPLER_ARG']: Static<(typeof TelemetryConfig)[Name]> } & {
  HOST: string
  OTEL_EXPORTER_OTLP_ENDPOINT?: string
}

/** Serves metrics where `port` is set, and sends traces where there is an endpoint for them. */
export async function startTelemetry(
  service: string,
  config: Settings,
  { port, portVariable }: { port: number | undefined; portVariable: string },
  log: Logger,
): Promise<Telemetry & { stop(): Promise<void> }> {
  const metrics = openMetrics()
  const server = serveMetrics(metrics, { host: config.HOST, port, portVariable }, log)
  const tracing = await startTracing(service, config, log)
  return {
    metrics,
    tracing,
    async stop() {
      await Promise.all([server.stop(), tracing?.stop()])
    },
  }
}

async function startTracing(service: string, config: Settings, log: Logger): Promise<Tracing | undefined> {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return undefined
  const { openTracing } = await import('./tracing-sdk.ts')
  log.info({ endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT }, 'sending traces')
  return openTracing(service, config.OTEL_TRACES_SAMPLER_ARG, log)
}
