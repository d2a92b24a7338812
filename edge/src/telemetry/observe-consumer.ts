import { SpanKind } from '@opentelemetry/api'
import type { ConsumerDefinition, Message } from 'messaging/consumer'
import type { ConsumerObserver } from 'messaging/observer'
import type { IncomingMessage } from 'messaging/transport'
import { Counter, Histogram } from 'prom-client'
import { countBuckets, secondsBuckets } from './metrics.ts'
import type { Telemetry } from './start-telemetry.ts'
import type { Traceparent } from './tracing.ts'

/**
 * Metrics and spans of one consumer: an observer of its batches, and its definition with a handler that is timed.
 * The span of a message ends with its transaction; inside it, each run of the handler has one of its own, which is
 * the parent of what the handler appends.
 */
export function observeConsumer<DB, Payload>(
  { metrics, tracing }: Telemetry,
  definition: ConsumerDefinition<DB, Payload>,
): { observer: ConsumerObserver; definition: ConsumerDefinition<DB, Payload> } {
  const consumer = definition.name
  const registers = [metrics.registry]
  const messagesTotal = new Counter({
    name: 'consumer_messages_total',
    help: 'Messages by what became of them: handled, duplicate (suppressed by the inbox), parked, waiting',
    labelNames: ['consumer', 'outcome'],
    registers,
  })
  const batchMessages = new Histogram({
    name: 'consumer_batch_messages',
    help: 'Messages that came together',
    labelNames: ['consumer'],
    buckets: countBuckets,
    registers,
  })
  const handlerSeconds = new Histogram({
    name: 'handler_duration_seconds',
    help: 'One run of the handler in its transaction',
    labelNames: ['consumer'],
    buckets: secondsBuckets,
    registers,
  })
  const handlerFailures = new Counter({
    name: 'handler_failures_total',
    help: 'Runs of the handler that threw; what it did is undone, and its messages are tried again or parked',
    labelNames: ['consumer'],
    registers,
  })
  // Shown as 0 until then: what has no value raises no alert.
  handlerFailures.inc({ consumer }, 0)
  for (const outcome of ['handled', 'duplicate', 'parked', 'waiting']) {
    messagesTotal.inc({ consumer, outcome }, 0)
  }

  return {
    observer: {
      onBatch(messages) {
        const spans = tracing?.share(
          SpanKind.CONSUMER,
          messages.map(({ headers }) => headers.traceparent),
          part => spanOf(messages[part] as IncomingMessage, consumer),
        )
        messages.forEach(({ headers }, part) => {
          const traceparent = spans?.traceparents[part]
          if (traceparent !== undefined) headers.traceparent = traceparent
        })
        return ended => {
          spans?.end('error' in ended ? ended.error : undefined)
          if ('error' in ended) return
          batchMessages.observe({ consumer }, messages.length)
          messagesTotal.inc({ consumer, outcome: 'handled' }, ended.handled)
          messagesTotal.inc({ consumer, outcome: 'duplicate' }, ended.duplicates)
          messagesTotal.inc({ consumer, outcome: 'parked' }, ended.parked)
          messagesTotal.inc({ consumer, outcome: 'waiting' }, ended.waiting)
        }
      },
    },
    definition: {
      ...definition,
      async handle(trx, messages, locked) {
        const spans = tracing?.share(
          SpanKind.INTERNAL,
          messages.map(({ source }) => source.headers.traceparent),
          () => ({ name: `handle ${consumer}` }),
        )
        const startedAt = performance.now()
        try {
          const traced = spans ? withTraceparents(messages, spans.traceparents) : messages
          await definition.handle(trx, traced, locked)
          spans?.end()
        } catch (error) {
          handlerFailures.inc({ consumer })
          spans?.end(error)
          throw error
        } finally {
          handlerSeconds.observe({ consumer }, (performance.now() - startedAt) / 1_000)
        }
      },
    },
  }
}

const spanOf = ({ topic, partition, offset, headers }: IncomingMessage, consumer: string) => ({
  name: `process ${topic}`,
  attributes: {
    'messaging.system': 'kafka',
    'messaging.operation.type': 'process',
    'messaging.consumer.group.name': consumer,
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.kafka.offset': Number(offset),
    'cloudevents.event_id': headers.ce_id,
    'cloudevents.event_subject': headers.ce_subject,
  },
})

/** Copies: should the handler run again, its spans are children of the message's span, not of the first run's. */
const withTraceparents = <Payload>(
  messages: Message<Payload>[],
  traceparents: readonly Traceparent[],
): Message<Payload>[] =>
  messages.map((message, i) => {
    const traceparent = traceparents[i]
    if (traceparent === undefined) return message
    return { ...message, source: { ...message.source, headers: { ...message.source.headers, traceparent } } }
  })
