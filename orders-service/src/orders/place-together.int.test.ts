import { SpanKind } from '@opentelemetry/api'
import type { PartAnswer } from 'edge/part'
import { openMetrics } from 'edge/telemetry/metrics'
import type { Tracing } from 'edge/telemetry/tracing'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestService, type TestService } from '../test-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())
beforeEach(() => service.empty())

const good = { user_id: 7, amount: 10.5 }
const part = (order: object, headers: Record<string, string> = {}) => ({
  headers,
  body: JSON.stringify(order),
})

const ask = (payload: unknown, to = service.app) =>
  to.inject({ method: 'POST', url: '/orders/together', payload: payload as object })
const place = async (...parts: ReturnType<typeof part>[]): Promise<PartAnswer[]> => (await ask(parts)).json()
const kind = ({ status, headers, body }: PartAnswer) => [
  status,
  headers['idempotency-replayed'],
  JSON.parse(body).code ?? JSON.parse(body).status,
]

test('each order is answered as it is alone', async () => {
  const alone = await service.post(good)
  const [answer, other] = await place(part(good), part({ ...good, user_id: 8, description: 'b' }))
  const { id } = JSON.parse(answer!.body)
  const times = { id, created_at: expect.any(String), updated_at: expect.any(String) }
  expect(answer).toEqual({
    status: alone.statusCode,
    headers: { 'content-type': alone.headers['content-type'], location: `/orders/${id}` },
    body: expect.any(String),
  })
  expect(JSON.parse(answer!.body)).toEqual({ ...alone.json(), ...times })
  expect(await service.findOrder(id)).toEqual(JSON.parse(answer!.body))
  expect(JSON.parse(other!.body)).toMatchObject({ user_id: 8, description: 'b', status: 'NEW' })
})

test('they share a transaction, in the order in which they came; one that is refused is told so alone', async () => {
  const amounts = Array.from({ length: 80 }, (_, i) => (i === 20 ? 0 : i + 1))
  const description = 'x'.repeat(1_000)
  const answers = await place(...amounts.map(amount => part({ ...good, amount, description })))
  expect(answers.map(({ status }) => status)).toEqual(amounts.map(amount => (amount === 0 ? 400 : 201)))
  const tasks = await service.outboxOf('order_payment_tasks')
  expect(tasks.map(({ payload }) => payload.amount)).toEqual(amounts.filter(amount => amount !== 0))
  expect(new Set(tasks.map(({ xid }) => xid)).size).toBeLessThanOrEqual(2)
})

test('a key is good for one order, among those that came with it and later', async () => {
  const keyed = { 'idempotency-key': 'k' }
  const answers = await place(
    part(good, keyed),
    part(good, keyed),
    part({ ...good, amount: 1 }, keyed),
    part(good),
  )
  expect(answers.map(kind)).toEqual([
    [201, undefined, 'NEW'],
    [201, 'true', 'NEW'],
    [422, undefined, 'idempotency_key_reused'],
    [201, undefined, 'NEW'],
  ])
  expect(answers[1]!.body).toBe(answers[0]!.body)
  expect((await service.post(good, keyed)).body).toBe(answers[0]!.body)
  expect(await service.outboxOf('order_payment_tasks')).toHaveLength(2)
})

test('what we stand on being broken is told to each, with nothing placed', async () => {
  const answers = await service.whileOutboxFails(() =>
    place(part(good), part(good, { 'x-request-id': 'mine' })),
  )
  expect(answers.map(kind)).toEqual([
    [500, undefined, 'internal_error'],
    [500, undefined, 'internal_error'],
  ])
  expect(JSON.parse(answers[1]!.body).request_id).toBe('mine')
  expect((await service.get('/orders')).json()).toEqual([])
})

const placed = part(good, {
  'x-request-id': 'first',
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
})
const refused = part({}, { 'x-request-id': 'second' })

test('each has a line in the log under its own id, and is counted; what it comes in is counted beside them', async () => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: line => void lines.push(JSON.parse(line)) })
  const metrics = openMetrics()
  const app = await service.newApp({ log, telemetry: { metrics, tracing: undefined } })
  const [answer]: PartAnswer[] = (await ask([placed, refused], app)).json()
  await app.close()
  const { id } = JSON.parse(answer!.body)
  const line = { msg: 'request', method: 'POST', path: '/orders', ms: expect.any(Number) }
  expect(lines.filter(({ msg }) => msg === 'request')).toMatchObject([
    { ...line, request_id: 'second', status: 400 },
    { ...line, request_id: 'first', status: 201, order_id: id },
    { ...line, path: '/orders/together', status: 200, orders: '2' },
  ])
  expect(
    (await metrics.registry.metrics()).match(/(?<=^http_request_duration_seconds_count).*$/gm)?.toSorted(),
  ).toEqual([
    '{method="POST",route="/orders",status="201"} 1',
    '{method="POST",route="/orders",status="400"} 1',
    '{method="POST",route="/orders/together",status="200"} 1',
  ])
  expect((await service.outboxOf('order_payment_tasks'))[0]!.headers).toMatchObject({
    traceparent: placed.headers.traceparent,
  })
})

test('where traces are made, each has a span of its own in the trace that it came with', async () => {
  const spans: unknown[] = []
  const tracing: Tracing = {
    begin: (name, kind, parent, attributes) => {
      const traceId = String(attributes['request.id'])
      return {
        traceId,
        traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`,
        end: ({ error, attributes }) => void spans.push({ name, kind, parent, traceId, error, attributes }),
      }
    },
    share: (_kind, traceparents) => ({ traceparents, end: () => undefined }),
    stop: async () => undefined,
  }
  const app = await service.newApp({ telemetry: { metrics: openMetrics(), tracing } })
  await service.whileOutboxFails(() => ask([placed, refused], app))
  const [answer]: PartAnswer[] = (await ask([placed], app)).json()
  await app.close()
  const span = { name: 'POST /orders', kind: SpanKind.SERVER }
  const ended = (status: number) => ({ attributes: { 'http.response.status_code': status } })
  expect(spans).toMatchObject([
    { ...span, parent: undefined, traceId: 'second', error: undefined, ...ended(400) },
    { ...span, parent: placed.headers.traceparent, traceId: 'first', error: 'answered 500', ...ended(500) },
    { ...span, traceId: 'first', attributes: { order_id: JSON.parse(answer!.body).id } },
  ])
  expect((await service.outboxOf('order_payment_tasks'))[0]!.headers).toMatchObject({
    traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`,
  })
})

test.each([
  ['no list', {}],
  ['an empty one', []],
  ['more than 200', Array.from({ length: 201 }, () => part(good))],
  ['parts without a body', [{ headers: {} }]],
  ['a header that is no text', [{ headers: { 'idempotency-key': 7 }, body: '{}' }]],
])('%s is refused, and nothing is placed', async (_case, payload) => {
  const answer = await ask(payload)
  expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request'])
  expect((await service.get('/orders')).json()).toEqual([])
})

test('a list over 1 MiB is refused', async () => {
  const answer = await ask([part({ ...good, description: 'x'.repeat(1024 * 1024) })])
  expect([answer.statusCode, answer.json().code]).toEqual([413, 'body_too_large'])
})
