import { SpanKind } from '@opentelemetry/api'
import type { OutboxRow } from 'messaging/envelope'
import type { RelayObserver } from 'messaging/observer'
import { Counter, Gauge, Histogram } from 'prom-client'
import { countBuckets, secondsBuckets } from './metrics.ts'
import type { Telemetry } from './start-telemetry.ts'

/** Metrics and spans of the relay of one service. `relay` is asked only when somebody looks. */
export function observeRelay(
  { metrics, tracing }: Telemetry,
  relay: () => { isOwner: boolean },
): RelayObserver {
  const registers = [metrics.registry]
  const published = new Counter({
    name: 'relay_published_events_total',
    help: 'Events acknowledged by the broker, repeats included',
    labelNames: ['topic'],
    registers,
  })
  const pageEvents = new Histogram({
    name: 'relay_page_events',
    help: 'Events published at once',
    buckets: countBuckets,
    registers,
  })
  const publishSeconds = new Histogram({
    name: 'relay_publish_duration_seconds',
    help: 'From sending a page to its acknowledgement',
    buckets: secondsBuckets,
    registers,
  })
  const lagSeconds = new Histogram({
    name: 'relay_append_to_publish_seconds',
    help: 'From the append of an event, by the clock of the database, to its acknowledgement, by ours',
    buckets: secondsBuckets,
    registers,
  })
  const failures = new Counter({
    name: 'relay_failures_total',
    help: 'Rounds in which the database or the broker failed; each is tried again',
    registers,
  })
  new Gauge({
    name: 'relay_is_owner',
    help: '1 where this instance publishes the outbox, 0 where it stands by',
    registers,
    collect() {
      this.set(relay().isOwner ? 1 : 0)
    },
  })

  return {
    onPublish(messages, rows) {
      const startedAt = performance.now()
      const spans = tracing?.share(
        SpanKind.PRODUCER,
        messages.map(({ headers }) => headers.traceparent),
        part => spanOf(rows[part] as OutboxRow),
      )
      spans?.traceparents.forEach((traceparent, part) => {
        const message = messages[part]
        if (message && traceparent !== undefined) message.headers.traceparent = traceparent
      })
      return error => {
        spans?.end(error)
        publishSeconds.observe((performance.now() - startedAt) / 1_000)
        if (error !== undefined) return
        pageEvents.observe(rows.length)
        const now = Date.now()
        for (const row of rows) {
          published.inc({ topic: row.topic })
          lagSeconds.observe(Math.max(0, now - Date.parse(row.created_at)) / 1_000)
        }
      }
    },
    onFailure: () => failures.inc(),
  }
}

const spanOf = ({ topic, event_id, event_type, aggregate_id }: OutboxRow) => ({
  name: `publish ${topic}`,
  attributes: {
    'messaging.system': 'kafka',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'cloudevents.event_id': event_id,
    'cloudevents.event_type': event_type,
    'cloudevents.event_subject': aggregate_id,
  },
})
