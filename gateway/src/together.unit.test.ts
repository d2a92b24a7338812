import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { type Arrived, json, keep, sendRaw, startGateway, startUpstream } from './gateway-fixture.ts'
import { together } from './together.ts'
import { openUpstream, type Request } from './upstream.ts'

const path = '/orders/together'
const problem = 'application/problem+json'
type Sent = { headers: Record<string, string>; body: string }[]
const order = (body: string, headers: Record<string, string> = {}): Request => ({
  method: 'POST',
  path: '/orders',
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(body),
})

/** Answers each order with its own body and number in its request. */
const echo = ({ url, body }: Arrived, response: Parameters<typeof json>[0]) => {
  const answerTo = (text: string, status: number) => ({
    status,
    headers: { location: text, 'content-type': problem },
    body: text,
  })
  if (url === path)
    return json(
      response,
      200,
      (JSON.parse(body) as Sent).map(({ body }, i) => answerTo(body, 200 + (i % 3))),
    )
  response.writeHead(201, { location: `/${body.length}` }).end(body)
}

async function askEcho() {
  const service = await keep(startUpstream(echo))
  const upstream = await keep(Promise.resolve(openUpstream('orders', service.url, 5_000)))
  return { arrived: service.arrived, ask: together(upstream, path) }
}

test('orders that come at once travel in one, with their headers, and each gets its own answer', async () => {
  const { arrived, ask } = await askEcho()
  const outcomes = await Promise.all([
    ask(order('{"a":1}', { 'x-request-id': 'first', 'idempotency-key': 'k' })),
    ask(order('not json \u0000 "é"')),
    ask(order('{"c":3}', { 'content-type': 'application/json; charset=utf-8' })),
  ])
  expect(arrived.map(({ url }) => url)).toEqual([path])
  expect(JSON.parse(arrived[0]!.body)).toEqual([
    {
      headers: { 'content-type': 'application/json', 'x-request-id': 'first', 'idempotency-key': 'k' },
      body: '{"a":1}',
    },
    { headers: { 'content-type': 'application/json' }, body: 'not json \u0000 "é"' },
    { headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{"c":3}' },
  ])
  expect(outcomes).toEqual([
    {
      kind: 'answered',
      status: 200,
      headers: { location: '{"a":1}', 'content-type': problem },
      body: '{"a":1}',
    },
    {
      kind: 'answered',
      status: 201,
      headers: { location: 'not json \u0000 "é"', 'content-type': problem },
      body: 'not json \u0000 "é"',
    },
    {
      kind: 'answered',
      status: 202,
      headers: { location: '{"c":3}', 'content-type': problem },
      body: '{"c":3}',
    },
  ])
})

test('one that comes alone goes alone, and so do the next ones', async () => {
  const { arrived, ask } = await askEcho()
  for (const body of ['{"a":1}', '{"b":2}'])
    expect(await ask(order(body))).toMatchObject({ kind: 'answered', status: 201, body: Buffer.from(body) })
  expect(arrived.map(({ url, body }) => [url, body])).toEqual([
    ['/orders', '{"a":1}'],
    ['/orders', '{"b":2}'],
  ])
})

test('what is no JSON text, or has a query, goes alone beside those that share', async () => {
  const { arrived, ask } = await askEcho()
  const { body: _, ...none } = order('')
  await Promise.all([
    ask(order('{"a":1}')),
    ask(order('x', { 'content-type': 'text/plain' })),
    ask(order('x', { 'content-type': 'application/jsonp' })),
    ask({ ...order(''), body: Buffer.from([0x7b, 0xff, 0x7d]) }),
    ask({ ...order('{}'), path: '/orders?x=1' }),
    ask(none),
    ask(order('{"b":2}')),
  ])
  expect(arrived.map(({ url }) => url).toSorted()).toEqual(
    [...Array(4).fill('/orders'), '/orders?x=1', path].toSorted(),
  )
  const shared = arrived.find(({ url }) => url === path)!
  expect((JSON.parse(shared.body) as Sent).map(({ body }) => body)).toEqual(['{"a":1}', '{"b":2}'])
})

test('however many and large, no request has over 200 orders or 1 MiB, and all come in their order', async () => {
  const { arrived, ask } = await askEcho()
  const body = fc.oneof(
    { weight: 9, arbitrary: fc.string({ maxLength: 50 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 65_536 }).map(size => '\u0001'.repeat(size)) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(body, { minLength: 2, maxLength: 600, size: 'max' }), async bodies => {
      arrived.length = 0
      const outcomes = await Promise.all(bodies.map(body => ask(order(body))))
      expect(outcomes.map(outcome => outcome.kind === 'answered' && String(outcome.body))).toEqual(bodies)
      for (const { url, body } of arrived) {
        if (url !== path) continue
        expect((JSON.parse(body) as Sent).length).toBeLessThanOrEqual(200)
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1024 * 1024)
      }
      expect(arrived.length).toBeLessThanOrEqual(
        2 + Math.ceil(bodies.length / 200) + Math.ceil(bodies.join('').length / 100_000),
      )
    }),
    { numRuns: 15 },
  )
})

test('a service that does not know the call gets each order alone', async () => {
  const service = await keep(
    startUpstream((request, response) =>
      request.url === path ? json(response, 404, {}) : echo(request, response),
    ),
  )
  const ask = together(await keep(Promise.resolve(openUpstream('orders', service.url, 5_000))), path)
  const outcomes = await Promise.all([ask(order('{"a":1}')), ask(order('{"b":2}'))])
  expect(outcomes).toMatchObject([
    { status: 201, body: Buffer.from('{"a":1}') },
    { status: 201, body: Buffer.from('{"b":2}') },
  ])
})

test.each([
  ['a failure', (response: Parameters<typeof json>[0]) => json(response, 500, {}), `${path} answered 500`],
  [
    'an answer too few',
    (response: Parameters<typeof json>[0]) => json(response, 200, [{}]),
    `${path} answered 200`,
  ],
  ['a page', (response: Parameters<typeof json>[0]) => void response.end('<html>'), `${path} answered 200`],
  ['null', (response: Parameters<typeof json>[0]) => json(response, 200, null), `${path} answered 200`],
  [
    'a broken connection',
    (response: Parameters<typeof json>[0]) => void response.destroy(),
    'UND_ERR_SOCKET',
  ],
])('%s is told to each, and nothing is sent again', async (_case, answer, reason) => {
  const service = await keep(startUpstream((_request, response) => answer(response)))
  const ask = together(await keep(Promise.resolve(openUpstream('orders', service.url, 5_000))), path)
  expect(await Promise.all([ask(order('{}')), ask(order('{}'))])).toEqual([
    { kind: 'unavailable', reason },
    { kind: 'unavailable', reason },
  ])
  expect(service.arrived).toHaveLength(1)
})

test('each order counts, however they travel: of 700 that come at once 640 go, and 60 are refused unsent', async () => {
  const held: (() => void)[] = []
  const service = await keep(
    startUpstream((request, response) => void held.push(() => echo(request, response))),
  )
  const upstream = await keep(Promise.resolve(openUpstream('orders', service.url, 5_000)))
  const ask = together(upstream, path)
  const asked = Array.from({ length: 700 }, () => ask(order('{}')))
  expect(await Promise.all(asked.slice(640))).toEqual(
    Array.from({ length: 60 }, () => ({
      kind: 'unavailable',
      reason: '640 requests are waiting',
      isOverloaded: true,
    })),
  )
  await expect.poll(() => held.length).toBe(4)
  expect(upstream.whyRefused()).toBe('640 requests are waiting')
  for (const answer of held) answer()
  expect((await Promise.all(asked.slice(0, 640))).every(({ kind }) => kind === 'answered')).toBe(true)
  expect(upstream.whyRefused()).toBeUndefined()
  expect(held).toHaveLength(4)
})

test('as soon as there are 200 they go, and do not wait for the end of the turn', async () => {
  const service = await keep(startUpstream(echo))
  const upstream = await keep(Promise.resolve(openUpstream('orders', service.url, 5_000)))
  const sent = vi.spyOn(upstream, 'send')
  const ask = together(upstream, path)
  const asked = Array.from({ length: 201 }, (_, index) => ask(order(String(index))))
  expect(sent).toHaveBeenCalledTimes(1)
  const outcomes = await Promise.all(asked)
  expect(sent).toHaveBeenCalledTimes(2)
  expect(outcomes.map(outcome => outcome.kind === 'answered' && String(outcome.body))).toEqual(
    Array.from({ length: 201 }, (_, index) => String(index)),
  )
})

test('one that goes alone counts once', async () => {
  const service = await keep(startUpstream(() => undefined))
  const upstream = await keep(Promise.resolve(openUpstream('orders', service.url, 5_000)))
  const ask = together(upstream, path)
  for (let i = 0; i < 640; i++) {
    expect(upstream.whyRefused()).toBeUndefined()
    void ask(order('{}'))
    await setImmediate()
  }
  expect(upstream.whyRefused()).toBe('640 requests are waiting')
})

test('clients of the gateway see no difference, and the call itself is not reachable', async () => {
  const orders = await keep(startUpstream(echo))
  const gateway = await keep(startGateway({ orders: orders.url }))
  const post =
    (to: string, more = '') =>
    (body: string) =>
      `POST ${to} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${more}content-length: ${body.length}\r\n\r\n${body}`
  const bodies = Array.from({ length: 50 }, (_, i) => `order-${i}`)
  const last = post('/orders', 'connection: close\r\n')('last')
  const told = await sendRaw(gateway.port, bodies.map(post('/orders')).join('') + last)
  expect(told.match(/(?<=\r\n\r\n)(order-\d+|last)/g)).toEqual([...bodies, 'last'])
  expect(told.match(/(?<=\r\nlocation: )\S+/g)).toEqual([...bodies, 'last'])
  expect(new Set(told.match(/(?<=\r\ncontent-type: ).*(?=\r\n)/g))).toEqual(new Set([problem]))
  expect(orders.arrived.filter(({ method }) => method === 'POST').map(({ url }) => url)).toEqual([path])
  expect(await sendRaw(gateway.port, post(path, 'connection: close\r\n')('[]'))).toMatch(/^HTTP\/1.1 405 /)
})
