import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendRaw, startGateway, startUpstream, type TestUpstream } from './gateway-fixture.ts'

let orders: TestUpstream
let gateway: Awaited<ReturnType<typeof startGateway>>
beforeAll(async () => {
  orders = await startUpstream()
  gateway = await startGateway({ orders: orders.url })
})
afterAll(async () => {
  await gateway.close()
  await orders.close()
})

describe('every answer', () => {
  test('carries the security headers, wherever it comes from', async () => {
    for (const path of [
      '/orders',
      '/nowhere',
      '/docs',
      '/docs/static/index.css',
      '/openapi.json',
      '/health',
      '/users',
    ]) {
      const { headers } = await fetch(gateway.url + path)
      expect(headers.get('x-content-type-options'), path).toBe('nosniff')
      expect(headers.get('content-security-policy'), path).toContain("default-src 'self'")
      expect(headers.get('content-security-policy'), path).not.toContain('upgrade-insecure-requests')
      expect(headers.get('x-request-id'), path).toBeTruthy()
    }
  })

  test('leaves one line in the log, without the query', async () => {
    await fetch(`${gateway.url}/orders?cursor=secret`)
    await fetch(`${gateway.url}/nowhere?token=secret`)
    const lines = gateway.logged.filter(({ msg, path }) => msg === 'request' && path === '/nowhere')
    expect(lines.at(-1)).toMatchObject({ status: 404 })
    expect(JSON.stringify(gateway.logged)).not.toContain('secret')
  })

  test('is readable by pages of the shop, and by no others', async () => {
    const preflight = (origin: string) =>
      fetch(`${gateway.url}/orders`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,idempotency-key',
        },
      })
    const allowed = await preflight('http://shop.test')
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('http://shop.test')
    expect(allowed.headers.get('access-control-allow-headers')).toContain('idempotency-key')
    expect((await preflight('http://elsewhere.test')).headers.get('access-control-allow-origin')).toBeNull()
    const read = await fetch(`${gateway.url}/orders`, { headers: { origin: 'http://shop.test' } })
    expect(read.headers.get('access-control-expose-headers')).toContain('location')
  })

  test('to OPTIONS that no page asks is what may be done, not an error that is no problem', async () => {
    const answer = await fetch(`${gateway.url}/orders`, { method: 'OPTIONS' })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST')
  })

  test('to what is no request is a problem too', async () => {
    const head = 'host: x\r\nconnection: close\r\n'
    const broken: [string, number, string][] = [
      ['hello\r\n\r\n', 400, 'invalid_request'],
      [`GET /users/%zz HTTP/1.1\r\n${head}\r\n`, 400, 'invalid_request'],
      [`GET /orders HTTP/1.1\r\n${head}x: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
      [`GET /users/${'7'.repeat(200)} HTTP/1.1\r\n${head}\r\n`, 414, 'invalid_request'],
      [
        `POST /orders HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: x\r\n\r\n`,
        400,
        'invalid_request',
      ],
    ]
    for (const [text, status, code] of broken) {
      const answer = await sendRaw(gateway.port, text)
      expect(answer, text.slice(0, 40)).toContain(`HTTP/1.1 ${status} `)
      expect(answer, text.slice(0, 40)).toContain('application/problem+json')
      expect(answer, text.slice(0, 40)).toContain(`"code":"${code}"`)
      expect(answer, text.slice(0, 40)).toMatch(/"request_id":"[^"]+"/)
      expect(answer, text.slice(0, 40)).toMatch(/"detail":"[A-Z][^"]+\."/)
    }
    expect((await fetch(`${gateway.url}/orders`)).status).toBe(200)
  })
})
