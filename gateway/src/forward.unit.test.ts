import { performance } from 'node:perf_hooks'
import { describe, expect, test } from 'vitest'
import { json, keep, sendRaw, startGateway, startUpstream } from './gateway-fixture.ts'
import { publicCalls } from './public-calls.ts'

const id = '01981f6c-7a4e-7c3e-9d52-1f6b7c3a9e10'
const order = { user_id: 7, amount: 10.5 }
const post = (body: string | ReadableStream, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'application/json', ...headers },
  ...(typeof body === 'string' ? {} : { duplex: 'half' }),
})

describe('what is passed on', () => {
  test('each public call reaches its service, with its query and body as they came', async () => {
    const orders = await keep(startUpstream())
    const payments = await keep(startUpstream())
    const gateway = await keep(startGateway({ orders: orders.url, payments: payments.url }))
    for (const { method, url, service } of publicCalls) {
      const path = `${url.replace(':user_id', '7').replace(':id', id)}?limit=5&cursor=a%2Fb`
      const body = '{"amount": 10.50}'
      const init = method === 'GET' ? {} : { ...post(body), method }
      const answer = await fetch(gateway.url + path, init)
      expect(answer.status, `${method} ${url}`).toBe(200)
      const arrived = (service === 'orders' ? orders : payments).arrived.pop()
      expect(arrived).toMatchObject({ method, url: path, body: method === 'GET' ? '' : body })
    }
    expect([...orders.arrived, ...payments.arrived].filter(({ url }) => url !== '/openapi.json')).toEqual([])
  })

  test('only headers that mean something to the service, and the request id', async () => {
    const orders = await keep(startUpstream())
    const gateway = await keep(startGateway({ orders: orders.url }))
    const headers = {
      'idempotency-key': 'k1',
      traceparent: '00-a-b-01',
      cookie: 'a=b',
      authorization: 'x',
      'x-request-id': 'mine',
    }
    await fetch(`${gateway.url}/orders`, post(JSON.stringify(order), headers))
    const arrived = orders.arrived.find(({ method }) => method === 'POST')?.headers ?? {}
    expect(arrived).toMatchObject({
      'idempotency-key': 'k1',
      traceparent: '00-a-b-01',
      'x-request-id': 'mine',
    })
    expect(arrived).not.toHaveProperty('cookie')
    expect(arrived).not.toHaveProperty('authorization')
  })

  test('the answer comes back with its status, body and headers, a problem too', async () => {
    const problem = { code: 'insufficient_funds', detail: 'Only 1.00 is there.' }
    const payments = await keep(
      startUpstream(({ method }, response) => {
        if (method === 'PATCH') {
          response.writeHead(422, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
          return
        }
        const headers = {
          location: '/users/7',
          link: '</users?cursor=x>; rel="next"',
          'idempotency-replayed': 'true',
        }
        response
          .writeHead(201, {
            'content-type': 'application/json',
            ...headers,
            'set-cookie': 'a=b',
            server: 'x',
          })
          .end('{}')
      }),
    )
    const gateway = await keep(startGateway({ payments: payments.url }))
    const created = await fetch(`${gateway.url}/users`, post('{}'))
    expect(created.status).toBe(201)
    expect(Object.fromEntries(created.headers)).toMatchObject({
      location: '/users/7',
      link: '</users?cursor=x>; rel="next"',
      'idempotency-replayed': 'true',
    })
    expect(created.headers.get('set-cookie')).toBeNull()
    const refused = await fetch(`${gateway.url}/users/7`, { ...post('{}'), method: 'PATCH' })
    expect(refused.status).toBe(422)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(await refused.json()).toEqual(problem)
  })

  test('nothing else is reachable, however it is spelt', async () => {
    const orders = await keep(startUpstream())
    const payments = await keep(startUpstream())
    const gateway = await keep(startGateway({ orders: orders.url, payments: payments.url }))
    const paths = [
      `/payments/order/${id}/timeline`,
      '/users/7/../../health',
      '/users/..%2f..%2fhealth',
      '/users/%2e%2e',
      '/users/7%2fledger',
      '/users/0x7',
      '/users/7/ledger/',
      '//users',
      '/orders/..',
      `/orders/${id}/../../docs`,
      '/orders/user/%00',
      '/Users',
      '/metrics',
    ]
    for (const path of paths) {
      const answer = await sendRaw(
        gateway.port,
        `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      )
      expect(answer, path).toMatch(/^HTTP\/1.1 40[04] /)
      expect(answer, path).toContain('application/problem+json')
      expect(answer, path).toMatch(/"code":"(not_found|invalid_request)"/)
    }
    const absolute = await sendRaw(
      gateway.port,
      'GET http://elsewhere/health/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    )
    expect(absolute).toMatch(/^HTTP\/1.1 404 /)
    for (const method of ['DELETE', 'PUT']) {
      const answer = await fetch(`${gateway.url}/orders`, { method })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
    }
    expect([...orders.arrived, ...payments.arrived].filter(({ url }) => url !== '/openapi.json')).toEqual([])
  })
})

describe('request id', () => {
  test('is kept, sent on, answered and logged; one that could harm a log is replaced', async () => {
    const orders = await keep(startUpstream())
    const gateway = await keep(startGateway({ orders: orders.url }))
    const kept = await fetch(`${gateway.url}/orders?user_id=7`, {
      headers: { 'x-request-id': 'from-the-shop' },
    })
    expect(kept.headers.get('x-request-id')).toBe('from-the-shop')
    const replaced = await fetch(`${gateway.url}/orders`, { headers: { 'x-request-id': 'a b"c' } })
    const made = replaced.headers.get('x-request-id')
    expect(made).toMatch(/^[0-9a-f-]{36}$/)
    const ids = orders.arrived
      .filter(({ url }) => url.startsWith('/orders'))
      .map(({ headers }) => headers['x-request-id'])
    expect(ids).toEqual(['from-the-shop', made])
    const lines = gateway.logged.filter(({ msg }) => msg === 'request')
    expect(lines).toMatchObject([
      { request_id: 'from-the-shop', method: 'GET', path: '/orders', status: 200, ms: expect.any(Number) },
      { request_id: made, path: '/orders' },
    ])
  })
})

describe('limits', () => {
  test('a body in another encoding is refused, whatever it is in truth, and none is no other', async () => {
    const orders = await keep(startUpstream())
    const gateway = await keep(startGateway({ orders: orders.url }))
    const sent = (encoding: string) =>
      fetch(`${gateway.url}/orders`, post(JSON.stringify(order), { 'content-encoding': encoding }))
    const answer = await sent('gzip')
    expect(answer.status).toBe(415)
    expect(answer.headers.get('accept-encoding')).toBe('identity')
    expect(await answer.json()).toMatchObject({
      code: 'unsupported_media_type',
      detail: 'No Content-Encoding is read here. Send the body as it is.',
    })
    expect(orders.arrived.filter(({ method }) => method === 'POST')).toEqual([])
    expect((await sent('identity')).status).toBe(200)
  })

  test('a body over 64 KiB is refused before it reaches a service, with or without its length given', async () => {
    const orders = await keep(startUpstream())
    const gateway = await keep(startGateway({ orders: orders.url }))
    const large = JSON.stringify({ description: 'x'.repeat(64 * 1024) })
    const chunked = new ReadableStream({
      start(controller) {
        for (let at = 0; at < large.length; at += 1_000)
          controller.enqueue(Buffer.from(large.slice(at, at + 1_000)))
        controller.close()
      },
    })
    for (const body of [large, chunked]) {
      const answer = await fetch(`${gateway.url}/orders`, post(body))
      expect(answer.status).toBe(413)
      expect(await answer.json()).toMatchObject({ code: 'body_too_large', status: 413 })
    }
    const fits = JSON.stringify({ description: 'x'.repeat(64 * 1024 - 18) })
    expect(fits).toHaveLength(64 * 1024)
    expect((await fetch(`${gateway.url}/orders`, post(fits))).status).toBe(200)
    expect(orders.arrived.filter(({ method }) => method === 'POST').map(({ body }) => body)).toEqual([fits])
  })

  test('a client over its rate gets 429, when to come again, and what a page needs to read it', async () => {
    const orders = await keep(startUpstream())
    const gateway = await keep(startGateway({ orders: orders.url }, { rateLimitPerSecond: 1 }))
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        fetch(`${gateway.url}/orders`, { headers: { origin: 'http://shop.test' } }),
      ),
    )
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThanOrEqual(2)
    expect(refused[0]?.headers.get('retry-after')).toBe('1')
    expect(refused[0]?.headers.get('access-control-allow-origin')).toBe('http://shop.test')
    expect(await refused[0]?.json()).toMatchObject({ code: 'too_many_requests', status: 429 })
  })
})

describe('a client', () => {
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

  test('is who connects: what it says of itself gets it no second rate', async () => {
    const orders = await keep(startUpstream())
    const gateway = await keep(startGateway({ orders: orders.url }, { rateLimitPerSecond: 1 }))
    expect((await fetch(`${gateway.url}/orders`, from('192.0.2.1'))).status).toBe(200)
    expect((await fetch(`${gateway.url}/orders`, from('192.0.2.2'))).status).toBe(429)
  })

  test('behind a proxy that is trusted is who the proxy says', async () => {
    const orders = await keep(startUpstream())
    const settings = { rateLimitPerSecond: 1, trustedProxies: ['127.0.0.1'] }
    const gateway = await keep(startGateway({ orders: orders.url }, settings))
    expect((await fetch(`${gateway.url}/orders`, from('192.0.2.1'))).status).toBe(200)
    expect((await fetch(`${gateway.url}/orders`, from('192.0.2.2'))).status).toBe(200)
    expect((await fetch(`${gateway.url}/orders`, from('192.0.2.1'))).status).toBe(429)
  })
})

describe('a service that misbehaves', () => {
  const misbehaviours: [string, Parameters<typeof startUpstream>[0]][] = [
    ['hangs', () => undefined],
    ['closes the connection', (_request, response) => response.socket?.destroy()],
    [
      'breaks off in mid-answer',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 })
        response.write('{"half":')
        setImmediate(() => response.socket?.destroy())
      },
    ],
    [
      'never ends its answer',
      (_request, response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(drip))
      },
    ],
    ['speaks no HTTP', (_request, response) => response.socket?.end('hello\r\n\r\n')],
    [
      'answers without end',
      (_request, response) => {
        response.writeHead(200)
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(1 << 16)));
        }
        response.on('drain', more)
        more()
      },
    ],
  ]
  test.each(misbehaviours)(
    'that %s is 503 within the timeout, and is asked once',
    async (_name, misbehave) => {
      const orders = await keep(
        startUpstream(({ url }, response) =>
          url === '/openapi.json' ? json(response, 404, {}) : misbehave?.({} as never, response),
        ),
      )
      const gateway = await keep(startGateway({ orders: orders.url }, { timeoutMs: 400 }))
      for (const init of [post(JSON.stringify(order)), {}]) {
        const started = performance.now()
        const answer = await fetch(`${gateway.url}/orders`, init)
        expect(performance.now() - started).toBeLessThan(1_000)
        expect(answer.status).toBe(503)
        expect(answer.headers.get('retry-after')).toBe('1')
        expect(answer.headers.get('content-type')).toBe('application/problem+json')
        const problem = (await answer.json()) as { detail: string }
        expect(problem).toMatchObject({ code: 'upstream_unavailable', request_id: expect.any(String) })
        expect(problem.detail).toContain('orders')
      }
      expect(orders.arrived.filter(({ url }) => url === '/orders')).toHaveLength(2)
      expect(gateway.logged.filter(({ msg }) => msg === 'upstream_unavailable')).toHaveLength(2)
    },
  )

  test('that is down is 503 at once, and served again when it is back, on connections it has never seen', async () => {
    const first = await startUpstream()
    const gateway = await keep(startGateway({ orders: first.url }))
    expect((await fetch(`${gateway.url}/orders`)).status).toBe(200)
    await first.close()
    const started = performance.now()
    expect((await fetch(`${gateway.url}/orders`)).status).toBe(503)
    expect((await fetch(`${gateway.url}/orders`, post('{}'))).status).toBe(503)
    expect(performance.now() - started).toBeLessThan(1_000)
    await keep(startUpstream(undefined, Number(new URL(first.url).port)))
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${gateway.url}/orders`, post('{}'))),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  })

  test('holds up neither calls to the other one nor, once it is well, its own', async () => {
    const orders = await keep(
      startUpstream(({ url }, response) => {
        if (url === '/orders?well') json(response, 200, [])
      }),
    )
    const payments = await keep(startUpstream())
    const gateway = await keep(
      startGateway({ orders: orders.url, payments: payments.url }, { timeoutMs: 2_000 }),
    )
    const waiting = Array.from({ length: 300 }, () => fetch(`${gateway.url}/orders`))
    expect((await fetch(`${gateway.url}/users`)).status).toBe(200)
    expect((await Promise.all(waiting)).every(({ status }) => status === 503)).toBe(true)
    // What was given up while it waited for a connection would be in front of this one, were it sent late.
    expect((await fetch(`${gateway.url}/orders?well`)).status).toBe(200)
  })
})
