import type { Pool } from 'pg'
import { Gauge } from 'prom-client'
import type { EngineStats } from '../engine-stats.ts'
import { readInTime } from '../read-in-time.ts'
import { type Metrics, readingMsMax } from './metrics.ts'

/** What Prometheus shows where a number could not be read: neither the last one nor 0, which would look well. */
const unknown = Number.NaN

/**
 * Backlog, lag and dead letters, read when somebody looks. They are of the whole service, so every instance tells
 * the same: take the largest of them, not the sum.
 */
export function observeEngine(metrics: Metrics, readStats: () => Promise<EngineStats>): void {
  const gauge = gaugesIn(metrics)
  const backlog = gauge('outbox_backlog_events', 'Committed more than 2 s ago and not known to be published')
  const age = gauge('outbox_oldest_age_seconds', 'Age of the oldest of these, 0 where there is none')
  const lag = gauge('consumer_lag_messages', 'Messages published and not yet handled', 'consumer')
  const letters = gauge('dead_letters', 'Messages put aside: parked, or waiting behind a parked one', 'state')
  const reads = gauge(
    'engine_stats_up',
    '1 where the last reading of backlog, lag and dead letters succeeded',
  )

  metrics.beforeScrape(async () => {
    const stats = await readInTime(readStats(), readingMsMax)
    reads.set(stats ? 1 : 0)
    backlog.set(stats?.outbox.waiting ?? unknown)
    age.set(stats ? (stats.outbox.oldest_age_ms ?? 0) / 1_000 : unknown)
    letters.set({ state: 'parked' }, stats?.dead_letters.parked ?? unknown)
    letters.set({ state: 'waiting' }, stats?.dead_letters.waiting ?? unknown)
    if (stats) lag.set({ consumer: stats.consumer.name }, stats.consumer.lag ?? unknown)
    else lag.reset()
  })
}

/** Connections of the pool: what waits for one is late already. */
export function observePool({ registry }: Metrics, pool: Pool): void {
  const registers = [registry]
  new Gauge({
    name: 'db_pool_connections',
    help: 'Connections to the database, in use or idle',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'used' }, pool.totalCount - pool.idleCount)
      this.set({ state: 'idle' }, pool.idleCount)
    },
  })
  new Gauge({
    name: 'db_pool_waiting',
    help: 'Callers that wait for a connection',
    registers,
    collect() {
      this.set(pool.waitingCount)
    },
  })
  new Gauge({
    name: 'db_pool_connections_max',
    help: 'Connections that the pool may open',
    registers,
    collect() {
      this.set(pool.options.max)
    },
  })
}

export const gaugesIn =
  ({ registry }: Metrics) =>
  (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
