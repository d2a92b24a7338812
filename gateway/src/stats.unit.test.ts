import { describe, expect, test } from 'vitest'
import { json, keep, startGateway, startUpstream } from './gateway-fixture.ts'

const engine = (service: string) => ({
  service,
  at: '2026-01-01T00:00:00.000Z',
  outbox: { waiting: 3, oldest_age_ms: 2_500, is_capped: false },
  consumer: { name: 'c', lag: null },
  dead_letters: { parked: 1, waiting: 2 },
})
const orders = {
  ...engine('orders-service'),
  window_seconds: 60,
  placed: 4,
  finished: 2,
  cancelled: 1,
  time_to_settle_ms: null,
  seconds: [{ at: '2026-01-01T00:00:00Z', placed: 1, settled: 0, p50_ms: null, p99_ms: null }],
  orders: { total: 9, open: 1, finished: 6, cancelled: 2, is_estimate: false },
}

describe('stats', () => {
  const answering = (body: object, status = 200) =>
    keep(startUpstream((_request, response) => json(response, status, body)))

  test('hand on what both services tell, to the last null', async () => {
    const payments = engine('payments-service')
    const gateway = await keep(
      startGateway({ orders: (await answering(orders)).url, payments: (await answering(payments)).url }),
    )
    const answer = await fetch(`${gateway.url}/stats`)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ at: expect.any(String), orders, payments })
  })

  test('are 200 with null for a service that is down or fails, since that is the finding', async () => {
    const gateway = await keep(
      startGateway({ payments: (await answering({ code: 'unavailable' }, 503)).url }),
    )
    const answer = await fetch(`${gateway.url}/stats`)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ orders: null, payments: null })
  })

  test('are told also of a service that has more to do than it can', async () => {
    const busy = await startUpstream(({ method }, response) => {
      if (method === 'GET') json(response, 200, orders)
    })
    const gateway = await keep(startGateway({ orders: busy.url }))
    const placed = Array.from({ length: 700 }, () =>
      fetch(`${gateway.url}/orders`, { method: 'POST', body: '{}' }),
    )
    expect((await Promise.race(placed)).status).toBe(503)
    expect(await (await fetch(`${gateway.url}/stats`)).json()).toMatchObject({ orders })
    await busy.close()
    await Promise.all(placed)
  })
})
