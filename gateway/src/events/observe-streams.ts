import type { Metrics } from 'edge/telemetry/metrics'
import { Gauge } from 'prom-client'
import type { EventHub } from './event-hub.ts'

/** Readers of live events, and whether there is anything for them to read. */
export function observeStreams({ registry }: Metrics, hub: EventHub): void {
  const registers = [registry]
  new Gauge({
    name: 'event_streams_open',
    help: 'Browsers and programs that read order events now',
    registers,
    collect() {
      this.set(hub.streamsOpen)
    },
  })
  new Gauge({
    name: 'event_log_ready',
    help: '1 where the gateway follows order_status_updates and its log is filled',
    registers,
    collect() {
      this.set(hub.isReady ? 1 : 0)
    },
  })
}
