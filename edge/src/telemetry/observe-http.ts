import { SpanKind } from '@opentelemetry/api'
import type { FastifyRequest } from 'fastify'
import { Histogram } from 'prom-client'
import type { App } from '../app.ts'
import { secondsBuckets } from './metrics.ts'
import type { Telemetry } from './start-telemetry.ts'
import type { OngoingSpan, Tracing } from './tracing.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answer goes on until the client leaves: its time says nothing. */
    isStream?: boolean
    /** Asked for all the time by machines: no trace is begun. */
    isUntraced?: boolean
  }
}

/** Counts and times every request by route and status; about 1 µs each. Where traces are made, each gets a span. */
export function observeHttp(app: App, { metrics, tracing }: Telemetry): void {
  const seconds = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the arrival of a request to the end of its answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: secondsBuckets,
    registers: [metrics.registry],
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { url = 'none', config } = request.routeOptions
    if (!config.isStream) {
      seconds.observe(
        { method: request.method, route: url, status: reply.statusCode },
        reply.elapsedTime / 1_000,
      )
    }
    done()
  })
  if (tracing) traceRequests(app, tracing)
}

/**
 * The request's own `traceparent` becomes that of its span: whoever hands it on, to another service or into the
 * outbox, hands on this span as the parent.
 */
function traceRequests(app: App, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, OngoingSpan>()
  app.addHook('onRequest', (request, _reply, done) => {
    const { url, config } = request.routeOptions
    if (url === undefined || config.isStream || config.isUntraced) return done()
    const { traceparent } = request.headers
    const span = tracing.begin(
      `${request.method} ${url}`,
      SpanKind.SERVER,
      typeof traceparent === 'string' ? traceparent : undefined,
      { 'http.request.method': request.method, 'http.route': url, 'request.id': request.id },
    )
    spans.set(request, span)
    request.headers.traceparent = span.traceparent
    request.log = request.log.child({ trace_id: span.traceId })
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode } = reply
    spans.get(request)?.end({
      attributes: { ...request.about, 'http.response.status_code': statusCode },
      ...(statusCode >= 500 && { error: `answered ${statusCode}` }),
    })
    done()
  })
}
