import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { createApp } from '../app.ts'
import { openLog } from '../log.ts'
import { openMetrics, serveMetrics } from './metrics.ts'
import { observeEngine } from './observe-engine.ts'

const silent = openLog('test', { LOG_LEVEL: 'silent', LOG_PRETTY: false })

test('requests are counted by route, never by path, so that no client can make new series', async () => {
  const metrics = openMetrics()
  const app = await createApp({ title: 't', description: 'd' }, silent, {
    telemetry: { metrics, tracing: undefined },
  })
  app.get('/things/:id', async () => ({}))
  for (const url of ['/things/1', '/things/2', '/nowhere/1', '/nowhere/2']) await app.inject({ url })
  const text = await metrics.text()
  expect(text).toContain(
    'http_request_duration_seconds_count{method="GET",route="/things/:id",status="200"} 2',
  )
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="none",status="404"} 2')
  await app.close()
})

test.each([
  ['fails', () => Promise.reject(new Error('no database'))],
  ['hangs', () => new Promise<never>(() => undefined)],
])('a database that %s leaves backlog and lag unknown, and hides nothing else', async (_, readStats) => {
  const metrics = openMetrics()
  observeEngine(metrics, readStats)
  const text = await metrics.text()
  expect(text).toContain('engine_stats_up 0')
  expect(text).toMatch(/^outbox_backlog_events nan$/im)
  expect(text).not.toContain('consumer_lag_messages{')
  expect(text).toContain('process_cpu_seconds_total')
})

test('where metrics are served, or cannot be, is told with an IPv6 address in brackets', async () => {
  const told: string[] = []
  const log = pino({}, { write: line => void told.push(line) })
  const server = serveMetrics(
    openMetrics(),
    { host: '::1', port: 0, portVariable: 'ORDERS_METRICS_PORT' },
    log,
  )
  onTestFinished(() => server.stop())
  await expect.poll(() => told.join()).toMatch(/http:\/\/\[::1\]:0\/metrics|listen on \[::1\]:0\./)
})
