import { SpanKind } from '@opentelemetry/api'
import type { FastifyRequest } from 'fastify'
import { Histogram } from 'prom-client'
import type { Answered } from '../access-log.ts'
import type { App } from '../app.ts'
import { secondsBuckets } from './metrics.ts'
import type { Telemetry } from './start-telemetry.ts'
import type { OngoingSpan } from './tracing.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answer goes on until the client leaves: its time says nothing. */
    isStream?: boolean
    /** Asked for all the time by machines: no trace is begun. */
    isUntraced?: boolean
  }
}

/** Counts and times requests by route and status; about 1 µs each. Where traces are made, each gets a span. */
export function observeHttp({ metrics, tracing }: Telemetry) {
  const seconds = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the arrival of a request to the end of its answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: secondsBuckets,
    registers: [metrics.registry],
  })
  return {
    isTracing: tracing !== undefined,
    /** Goes on with the trace of `traceparent`, where it is one. */
    begin: (method: string, route: string, requestId: string, traceparent: unknown) =>
      tracing?.begin(
        `${method} ${route}`,
        SpanKind.SERVER,
        typeof traceparent === 'string' ? traceparent : undefined,
        { 'http.request.method': method, 'http.route': route, 'request.id': requestId },
      ),
    time({ method, url: route, status, ms }: Answered): void {
      seconds.observe({ method, route, status }, ms / 1_000)
    },
    end(span: OngoingSpan | undefined, { about, status }: Pick<Answered, 'about' | 'status'>): void {
      span?.end({
        attributes: { ...about, 'http.response.status_code': status },
        ...(status >= 500 && { error: `answered ${status}` }),
      })
    },
  }
}
export type HttpObserver = ReturnType<typeof observeHttp>

/** Every request of the app. */
export function watchRequests(app: App, observer: HttpObserver): void {
  app.addHook('onResponse', ({ method, routeOptions, about }, reply, done) => {
    const { url = 'none', config } = routeOptions
    if (!config.isStream)
      observer.time({ method, url, status: reply.statusCode, ms: reply.elapsedTime, about })
    done()
  })
  if (observer.isTracing) traceRequests(app, observer)
}

/**
 * The request's own `traceparent` becomes that of its span: whoever hands it on, to another service or into the
 * outbox, hands on this span as the parent.
 */
function traceRequests(app: App, observer: HttpObserver): void {
  const spans = new WeakMap<FastifyRequest, OngoingSpan>()
  app.addHook('onRequest', (request, _reply, done) => {
    const { url, config } = request.routeOptions
    if (url === undefined || config.isStream || config.isUntraced) return done()
    const span = observer.begin(request.method, url, request.id, request.headers.traceparent)!
    spans.set(request, span)
    request.headers.traceparent = span.traceparent
    request.log = request.log.child({ trace_id: span.traceId })
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    observer.end(spans.get(request), { about: request.about, status: reply.statusCode })
    done()
  })
}
