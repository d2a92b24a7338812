import { createServer } from 'node:http'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { hostAndPort } from '../host-and-port.ts'
import type { Logger } from '../log.ts'
import { sharedReading } from '../shared-reading.ts'

/** Upper bounds of what takes time, from a statement to an order that waits for a broker. */
export const secondsBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
]
/** Of pages and batches. */
export const countBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]

export type Metrics = {
  registry: Registry
  /** What is asked for only when somebody looks, such as a backlog. It sets gauges; it must catch what fails. */
  beforeScrape(read: () => Promise<void>): void
  /** In Prometheus's text format. */
  text(): Promise<string>
}

/** However many look, the database is asked once in this time. */
const sharedMs = 1_000

/** Prometheus gives up on a whole scrape after 10 s: a database that hangs must not hide all other numbers. */
export const readingMsMax = 3_000

/** In ms, and the least delay that is told. Each look wakes the process: the 10 of prom-client took 0.6 % of a core. */
const eventLoopMonitoringPrecision = 50

/** The metrics of one process, with those of Node itself: event-loop delay, garbage collection, memory, CPU. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision })
  const readings: (() => Promise<void>)[] = []
  return {
    registry,
    beforeScrape: read => void readings.push(sharedReading(read, sharedMs)),
    async text() {
      await Promise.all(readings.map(read => read()))
      return registry.metrics()
    },
  }
}

export type MetricsAddress = { host: string; port: number | undefined; portVariable: string }

/**
 * Serves `GET /metrics` on a port of its own, which no gateway leads to. Without a port it serves nothing. A port
 * that is taken is told of and stops nothing: orders come before numbers about orders.
 */
export function serveMetrics(
  metrics: Metrics,
  { host, port, portVariable }: MetricsAddress,
  log: Logger,
): { stop(): Promise<void> } {
  if (port === undefined) return { stop: async () => undefined }
  const server = createServer(async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Only GET /metrics is here.\n')
      return
    }
    try {
      const text = await metrics.text()
      response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text)
    } catch (err) {
      log.warn({ err }, 'cannot write the metrics')
      response.writeHead(500).end()
    }
  })
  server.on('error', err =>
    log.warn(
      { err },
      `No metrics: cannot listen on ${hostAndPort(host, port)}. Set ${portVariable} to a free port.`,
    ),
  )
  server.listen(port, host, () =>
    log.info({ address: `http://${hostAndPort(host, port)}/metrics` }, 'serving metrics'),
  )
  return {
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
