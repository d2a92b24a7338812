import { describe, expect, test, vi } from 'vitest'
import { json, keep, sendRaw, startGateway, startUpstream } from './gateway-fixture.ts'

const id = '01981f6c-7a4e-7c3e-9d52-1f6b7c3a9e10'
const at = '2026-01-01T00:00:00.000Z'
const accepted = { hop: 'accepted', service: 'orders-service', at }
const debited = { hop: 'debited', service: 'payments-service', at }

describe('timeline', () => {
  const orders = () =>
    startUpstream((_request, response) => json(response, 200, { order_id: id, hops: [accepted] }))
  const timeline = async (gateway: { url: string }) => {
    const answer = await fetch(`${gateway.url}/orders/${id}/timeline`)
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  test('joins what both services know', async () => {
    const upstreams = {
      orders: await keep(orders()),
      payments: await keep(
        startUpstream((_request, response) => json(response, 200, { order_id: id, hops: [debited] })),
      ),
    }
    const gateway = await keep(
      startGateway({ orders: upstreams.orders.url, payments: upstreams.payments.url }),
    )
    expect(await timeline(gateway)).toEqual({
      status: 200,
      body: { order_id: id, hops: [accepted, debited] },
    })
    expect(upstreams.payments.arrived.map(({ url }) => url)).toContain(`/payments/order/${id}/timeline`)
  })

  test('tells of a message that was discarded all that its service tells', async () => {
    const discarded = {
      service: 'payments-service',
      at,
      act: '3',
      dead_letter: 'payments/12',
      detail: 'what to do',
    }
    const payments = await keep(
      startUpstream((_request, response) => json(response, 200, { order_id: id, hops: [], discarded })),
    )
    const gateway = await keep(startGateway({ orders: (await keep(orders())).url, payments: payments.url }))
    expect((await timeline(gateway)).body).toEqual({ order_id: id, hops: [accepted], discarded })
  })

  test('without payments tells what orders knows, and that payments is missing', async () => {
    const gateway = await keep(startGateway({ orders: (await keep(orders())).url }))
    const body = { order_id: id, hops: [accepted], missing: ['payments-service'] }
    expect(await timeline(gateway)).toEqual({ status: 200, body })
  })

  test('without orders is 503, since nobody else knows whether there is such an order', async () => {
    const gateway = await keep(startGateway({ payments: (await keep(startUpstream())).url }))
    expect(await timeline(gateway)).toMatchObject({ status: 503, body: { code: 'upstream_unavailable' } })
  })

  test('of no order is the 404 of orders; of what is no id 400', async () => {
    const none = await keep(
      startUpstream((_request, response) => json(response, 404, { code: 'order_not_found' })),
    )
    const gateway = await keep(startGateway({ orders: none.url, payments: none.url }))
    expect(await timeline(gateway)).toMatchObject({ status: 404, body: { code: 'order_not_found' } })
    const answer = await fetch(`${gateway.url}/orders/7/timeline`)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({
      code: 'invalid_request',
      errors: [{ in: 'path', field: 'id' }],
    })
  })
})

describe('document', () => {
  type Document = { paths: Record<string, object>; info: { description: string } }
  const read = async (gateway: { url: string }, path = '/openapi.json') =>
    (await (await fetch(gateway.url + path)).json()) as Document

  test("has the gateway's own calls, and a service's from when it first answers", async () => {
    const gone = await startUpstream()
    await gone.close()
    const gateway = await keep(startGateway({ orders: gone.url }))
    const own = await read(gateway)
    expect(Object.keys(own.paths).toSorted()).toEqual([
      '/health',
      '/integrity',
      '/orders/events',
      '/orders/{id}/timeline',
      '/stats',
    ])
    expect(own.info.description).toContain('orders and payments are missing')
    const paths = { '/orders': { get: {} }, '/secret': { get: {} } }
    await keep(
      startUpstream((_request, response) => json(response, 200, { paths }), Number(new URL(gone.url).port)),
    )
    await vi.waitFor(async () => expect((await read(gateway)).paths).toHaveProperty('/orders'), {
      timeout: 5_000,
    })
    const joined = await read(gateway, '/docs/json')
    expect(joined.paths).toHaveProperty('/orders')
    expect(joined.paths).not.toHaveProperty('/secret')
  })
})

describe('event stream', () => {
  test('begins at once, also while no broker was ever reached', async () => {
    const gateway = await keep(startGateway({}))
    const answer = await fetch(`${gateway.url}/orders/events`, { headers: { origin: 'http://shop.test' } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://shop.test')
    const reader = answer.body?.getReader()
    expect(String(Buffer.from((await reader?.read())?.value ?? []))).toContain('retry: 1000\n')
    await reader?.cancel()
  })

  test('answers HEAD as it does GET, and opens no stream for it', async () => {
    const gateway = await keep(startGateway({}, { streamsMax: 1 }))
    const url = `${gateway.url}/orders/events`
    const headersOf = async (method: string) => {
      const answer = await fetch(url, { method })
      await (method === 'GET' ? answer.body?.cancel() : answer.text())
      const ofOneAnswer = ['date', 'x-request-id', 'transfer-encoding']
      const headers = [...answer.headers].filter(([name]) => !ofOneAnswer.includes(name))
      return { status: answer.status, headers }
    }
    const answers = [await headersOf('HEAD'), await headersOf('HEAD')]
    expect(gateway.hub.hasRoom()).toBe(true)
    expect(answers).toEqual(Array(2).fill(await headersOf('GET')))
    expect((await fetch(`${url}?user_id=x`, { method: 'HEAD' })).status).toBe(400)
    const raw = await sendRaw(gateway.port, 'HEAD /orders/events HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(raw).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\n$/s)
  })

  test('refuses a user id that is none, and too many streams, also to HEAD', async () => {
    const gateway = await keep(startGateway({}, { streamsMax: 1 }))
    const refused = await fetch(`${gateway.url}/orders/events?user_id=x`)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ errors: [{ in: 'query', field: 'user_id' }] })
    const only = await fetch(`${gateway.url}/orders/events`)
    const full = await fetch(`${gateway.url}/orders/events`)
    expect(full.status).toBe(503)
    expect((await fetch(`${gateway.url}/orders/events`, { method: 'HEAD' })).status).toBe(503)
    expect(full.headers.get('retry-after')).toBe('5')
    expect(await full.json()).toMatchObject({ code: 'too_many_streams' })
    await only.body?.cancel()
    await vi.waitFor(() => expect(gateway.hub.hasRoom()).toBe(true))
  })

  test('ends when the gateway closes, and holds it up no longer', async () => {
    const gateway = await startGateway({})
    const answer = await fetch(`${gateway.url}/orders/events`)
    const text = answer.text()
    await gateway.close()
    expect(await text).toContain(': connected')
  })
})
