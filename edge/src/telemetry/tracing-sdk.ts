import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Attributes,
  DiagLogLevel,
  diag,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Log } from 'messaging/log'
import type { SharedSpan, Traceparent, Tracing } from './tracing.ts'

const stopMsMax = 2_000

/**
 * Tracing over OTLP, in JSON over HTTP. Only startTracing of start-telemetry.ts loads this file: where tracing is
 * off, the SDK costs neither time nor memory. Every span is begun and ended by hand, with its parent as text:
 * nothing is patched, and no context is kept from one callback to the next.
 */
export function openTracing(service: string, ratio: number, log: Log): Tracing {
  logTroubles(log)
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': service })),
    // A trace that was begun elsewhere is recorded if its beginner records it.
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      // Where spans come faster than they are sent, those over the queue are dropped: set a ratio below 1.
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        scheduledDelayMillis: 1_000,
        maxQueueSize: 8_192,
      }),
    ],
  })
  const tracer = provider.getTracer('order-payments')
  const start = (
    name: string,
    parent: SpanContext | null,
    options: { kind: SpanKind; attributes: Attributes; links?: Link[] },
  ) => tracer.startSpan(name, options, parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT)

  return {
    begin(name, kind, parent, attributes) {
      const span = start(name, parent === undefined ? null : parseTraceParent(parent), { kind, attributes })
      return {
        traceId: span.spanContext().traceId,
        traceparent: textOf(span.spanContext()),
        end({ error, attributes: more }) {
          if (more) span.setAttributes(more)
          end(span, error)
        },
      }
    },

    share(kind, parents, spanOf): SharedSpan {
      const spans: Span[] = []
      let links: Link[] = []
      const traceparents = parents.map((parent, part): Traceparent => {
        const context = isRecorded(parent) ? parseTraceParent(parent) : null
        if (!context) return parent
        const { name, attributes } = spanOf(part)
        const span = start(name, context, {
          kind,
          attributes: { ...attributes, 'batch.size': parents.length },
          links,
        })
        spans.push(span)
        if (spans.length === 1) links = [{ context: span.spanContext() }]
        return textOf(span.spanContext())
      })
      return {
        traceparents,
        end(error) {
          for (const span of spans) end(span, error)
        },
      }
    },

    async stop() {
      await Promise.race([
        provider.shutdown().catch(err => log.warn({ err }, 'the last spans were not sent')),
        sleep(stopMsMax, undefined, { ref: false }),
      ])
    },
  }
}

function end(span: Span, error: unknown): void {
  if (error !== undefined) {
    span.setStatus({
      code: SpanStatusCode.ERROR,
      message: error instanceof Error ? error.message : String(error),
    })
  }
  span.end()
}

/** The last digit of the flags is odd. */
const isRecorded = (parent: Traceparent): parent is string =>
  parent !== undefined && (Number.parseInt(parent.slice(-1), 16) & TraceFlags.SAMPLED) === TraceFlags.SAMPLED

const textOf = ({ traceId, spanId, traceFlags }: SpanContext) =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`

/** Such as a collector that does not answer. */
function logTroubles(log: Log): void {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, ...details: unknown[]) =>
      log[level]({ details: details.map(String) }, `tracing: ${message}`)
  // A trace that is not sent is no error of the shop.
  const logger = {
    verbose: at('debug'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('warn'),
  }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN })
}
