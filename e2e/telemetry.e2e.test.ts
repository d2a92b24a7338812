import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openKafka } from 'messaging/platformatic-transport'
import { freePort } from 'scripts/infrastructure/ports'
import { startSystem } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type ReceivedSpan, startOtlpReceiver } from './otlp-receiver.ts'
import { newUserId, ShopClient } from './shop-client.ts'

/** What the system tells of itself, after a run that we know everything about. */
const soon = { timeout: 30_000, interval: 100 }
const observability = join(import.meta.dirname, '../observability')
const services = ['gateway', 'orders', 'payments'] as const
let collector: Awaited<ReturnType<typeof startOtlpReceiver>>
let system: Awaited<ReturnType<typeof startSystem>>
let shop: ShopClient
let metricsUrls: Record<(typeof services)[number], string>

beforeAll(async () => {
  collector = await startOtlpReceiver()
  const ports = await Promise.all(services.map(() => freePort()))
  const [gateway, orders, payments] = ports.map(port => `http://127.0.0.1:${port}/metrics`) as [
    string,
    string,
    string,
  ]
  metricsUrls = { gateway, orders, payments }
  const env = Object.fromEntries(
    services.map((name, i) => [`${name.toUpperCase()}_METRICS_PORT`, String(ports[i])]),
  )
  system = await startSystem({ private: true, env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } })
  shop = new ShopClient(system.gatewayUrl)
})
afterAll(async () => {
  await system?.stop()
  await collector?.close()
})

const wayOfAnOrder = [
  'gateway: POST /orders',
  'orders-service: POST /orders',
  'orders-service: place orders',
  'orders-service: publish order_payment_tasks',
  'payments-service: process order_payment_tasks',
  'payments-service: handle payments.debit',
  'payments-service: publish payment_status_updates',
  'orders-service: process payment_status_updates',
  'orders-service: handle orders.settle',
  'orders-service: publish order_status_updates',
]
const titleOf = ({ service, name }: ReceivedSpan) => `${service}: ${name}`

/** From the span whose parent is not among them, child by child. Throws where a span has two children or is left over. */
function chain(spans: ReceivedSpan[]): ReceivedSpan[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId))
  const found: ReceivedSpan[] = []
  for (let next = roots; next.length > 0; ) {
    if (next.length > 1) throw new Error(`side by side: ${next.map(titleOf).join(', ')}`)
    const [span] = next as [ReceivedSpan]
    found.push(span)
    next = spans.filter(({ parentSpanId }) => parentSpanId === span.spanId)
  }
  if (found.length !== spans.length) throw new Error(`not in the chain: ${spans.length - found.length} spans`)
  return found
}

const newTrace = () => ({ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') })

async function place(userId: number, amount: number) {
  const trace = newTrace()
  const { body } = await shop.placeOrder(userId, amount, {
    traceparent: `00-${trace.traceId}-${trace.spanId}-01`,
  })
  return { ...trace, orderId: body.id }
}

const untilWhole = (traceId: string) =>
  vi.waitFor(() => {
    const spans = chain(collector.ofTrace(traceId))
    expect(spans.map(titleOf)).toEqual(wayOfAnOrder)
    return spans
  }, soon)

test('a request is one trace, from the caller through both databases and all topics, each span the child of the one before', async () => {
  const userId = newUserId()
  await shop.openAccount(userId, 100)
  const { traceId, spanId, orderId } = await place(userId, 10)
  const spans = await untilWhole(traceId)
  expect(spans[0]?.parentSpanId).toBe(spanId)
  expect(spans.filter(({ isError }) => isError)).toEqual([])
  expect(spans[1]?.attributes).toMatchObject({ order_id: orderId, 'http.response.status_code': 201 })
  const messages = spans.filter(({ name }) => /^(publish|process) /.test(name))
  expect(messages.map(({ attributes }) => attributes['cloudevents.event_subject'])).toEqual(
    messages.map(() => orderId),
  )
  const lines = ['gateway', 'orders'].map(name =>
    system.services[name as 'gateway' | 'orders']
      .logs()
      .map(line => JSON.parse(line))
      .find(line => line.trace_id === traceId),
  )
  expect(lines).toMatchObject([{ path: '/orders' }, { path: '/orders', order_id: orderId }])
})

test('where one transaction or publish serves many traces, each is whole and linked to what it shared the work with', async () => {
  const userId = newUserId()
  await shop.openAccount(userId, 1_000)
  const placed = await Promise.all(Array.from({ length: 30 }, () => place(userId, 1)))
  const traces = await Promise.all(placed.map(({ traceId }) => untilWhole(traceId)))
  const linked = traces.flat().filter(({ links }) => links.length > 0)
  expect(new Set(linked.map(({ name }) => name))).toContain('place orders')
  for (const { links, service, attributes } of linked) {
    const [first] = links
    const to = collector.spans.find(({ spanId }) => spanId === first?.spanId)
    expect(to).toMatchObject({ traceId: first?.traceId, service })
    expect(to?.attributes['batch.size']).toBe(attributes['batch.size'])
  }
})

test('a trace is begun at the gateway where the caller has none, and left out where the caller leaves it out', async () => {
  const userId = newUserId()
  const { body } = await shop.openAccount(userId, 5)
  const unrecorded = newTrace()
  await shop.placeOrder(userId, 1, { traceparent: `00-${unrecorded.traceId}-${unrecorded.spanId}-00` })
  const order = await shop.placeOrder(userId, 1)
  const begun = await vi.waitFor(() => {
    const root = collector.spans.find(({ attributes }) => attributes.order_id === order.body.id)
    expect(root).toBeDefined()
    return root as ReceivedSpan
  }, soon)
  expect((await untilWhole(begun.traceId))[0]?.parentSpanId).toBeUndefined()
  expect(collector.ofTrace(unrecorded.traceId)).toEqual([])
  expect(body.user_id).toBe(userId)
})

async function metricsOf(name: (typeof services)[number]): Promise<Map<string, number>> {
  const text = await (await fetch(metricsUrls[name])).text()
  return new Map(
    text
      .split('\n')
      .filter(line => line && !line.startsWith('#'))
      .map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

test('the numbers are those of the run', async () => {
  const userId = newUserId()
  await shop.openAccount(userId, 3)
  const before = { orders: await metricsOf('orders'), payments: await metricsOf('payments') }
  for (const amount of [1, 2, 3]) await shop.placeOrder(userId, amount)
  const kafka = openKafka({ brokers: system.brokers, clientId: 'telemetry-test', log: quiet })
  const task = { order_id: crypto.randomUUID(), user_id: userId, amount: 100 }
  const message = { topic: 'order_payment_tasks', key: String(userId), value: JSON.stringify(task) }
  await kafka.publish([
    { ...message, headers: { ce_id: task.order_id } },
    { ...message, headers: { ce_id: task.order_id } },
    { ...message, key: 'poison', value: 'not JSON', headers: {} },
  ])
  await kafka.close()

  const grown = (name: 'orders' | 'payments', now: Map<string, number>, metric: string) =>
    (now.get(metric) ?? Number.NaN) - (before[name].get(metric) ?? 0)
  await vi.waitFor(async () => {
    const now = { orders: await metricsOf('orders'), payments: await metricsOf('payments') }
    const orders = (metric: string) => grown('orders', now.orders, metric)
    const payments = (metric: string) => grown('payments', now.payments, metric)
    expect({
      placed: orders('http_request_duration_seconds_count{method="POST",route="/orders",status="201"}'),
      published: orders('relay_published_events_total{topic="order_payment_tasks"}'),
      finished: orders('orders_settled_total{status="finished",reason=""}'),
      cancelled: orders('orders_settled_total{status="cancelled",reason="insufficient_funds"}'),
      settleTimes: orders('order_time_to_settle_seconds_count'),
      ordersFinished: orders('orders{status="finished"}'),
      handled: payments('consumer_messages_total{consumer="payments.debit",outcome="handled"}'),
      duplicates: payments('consumer_messages_total{consumer="payments.debit",outcome="duplicate"}'),
      parked: payments('consumer_messages_total{consumer="payments.debit",outcome="parked"}'),
      letters: now.payments.get('dead_letters{state="parked"}'),
      lag: now.payments.get('consumer_lag_messages{consumer="payments.debit"}'),
      backlog: now.orders.get('outbox_backlog_events'),
      owners: [now.orders.get('relay_is_owner'), now.payments.get('relay_is_owner')],
    }).toEqual({
      placed: 3,
      published: 3,
      finished: 2,
      cancelled: 1,
      settleTimes: 3,
      ordersFinished: 2,
      handled: 4,
      duplicates: 1,
      parked: 1,
      letters: 1,
      lag: 0,
      backlog: 0,
      owners: [1, 1],
    })
  }, soon)
})

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** Words of PromQL in use; every other word outside of braces and quotes must be a metric. */
const promql =
  /^(sum|max|min|avg|rate|increase|histogram_quantile|by|le|and|or|on|clamp_min|job|instance|m|s)$/
const metricsIn = (expression: string): string[] => {
  const bare = expression.replace(/\{[^}]*\}|"[^"]*"|\[[^\]]*\]/g, ' ').replace(/\bby\s*\([^)]*\)/g, ' ')
  return [...bare.matchAll(/[a-zA-Z_][a-zA-Z0-9_]*/g)]
    .map(([word]) => word)
    .filter(word => !promql.test(word))
}

function expressions(): string[] {
  const rules = readFileSync(join(observability, 'prometheus/alerts.yml'), 'utf8')
  const inRules = [...rules.matchAll(/^ +expr: (?:\|\n((?: {10}.*\n)+)|(.*)$)/gm)].map(
    ([, block, line]) => block ?? line ?? '',
  )
  const folder = join(observability, 'grafana/dashboards')
  const inDashboards = readdirSync(folder).flatMap(file =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(
      ([, text]) => JSON.parse(text as string) as string,
    ),
  )
  return [...inRules, ...inDashboards]
}

test('every metric that an alert or a dashboard names is there', async () => {
  const exposed = new Set<string>(['up'])
  for (const name of services) {
    for (const line of (await metricsOf(name)).keys()) exposed.add(line.replace(/\{.*/, ''))
  }
  const named = new Set(expressions().flatMap(metricsIn))
  expect(named.size).toBeGreaterThan(20)
  expect([...named].filter(name => !exposed.has(name))).toEqual([])
})
