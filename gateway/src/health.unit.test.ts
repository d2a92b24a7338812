import { performance } from 'node:perf_hooks'
import { HealthDetail } from 'edge/health'
import { afterEach, expect, test } from 'vitest'
import { json, startGateway, startUpstream } from './gateway-fixture.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const it of opened.splice(0).reverse()) await it.close()
})

type Health = {
  status: string
  dependencies: Record<string, object>
  services: Record<string, { duration_ms: number }>
}
const dependencies = { postgres: { status: 'up', duration_ms: 1.2 } }
const up = () =>
  startUpstream((_request, response) => json(response, 200, { service: 'x', status: 'up', dependencies }))

async function health(
  [orders, payments]: Awaited<ReturnType<typeof startUpstream>>[],
  checks: Parameters<typeof startGateway>[1] = {},
  query = '',
) {
  const gateway = await startGateway({ orders: orders?.url ?? '', payments: payments?.url ?? '' }, checks)
  opened.push(...[orders, payments].filter(it => it !== undefined), gateway)
  const started = performance.now()
  const answer = await fetch(`${gateway.url}/health${query}`)
  return { status: answer.status, ms: performance.now() - started, body: (await answer.json()) as Health }
}

test('all up is 200, with each dependency of each service and its time', async () => {
  const { status, body } = await health([await up(), await up()], {
    checks: { kafka: async () => undefined },
  })
  expect(status).toBe(200)
  const service = { status: 'up', duration_ms: expect.any(Number), dependencies }
  expect(body).toEqual({
    service: 'gateway',
    status: 'up',
    dependencies: { kafka: { status: 'up', duration_ms: expect.any(Number) } },
    services: { orders: service, payments: service },
  })
})

test('a service that is down, or says so, makes it 503 and is named', async () => {
  const sick = await startUpstream((_request, response) =>
    json(response, 503, { status: 'down', dependencies: { postgres: { status: 'down', duration_ms: 3 } } }),
  )
  const dead = await startUpstream()
  await dead.close()
  const { status, body } = await health([sick, dead])
  expect(status).toBe(503)
  expect(body.services).toMatchObject({
    orders: { status: 'down', dependencies: { postgres: { status: 'down' } } },
    payments: { status: 'down', detail: 'does not answer' },
  })
})

test("a dependency of the gateway's own that is down says what it lacks", async () => {
  const checks = {
    events: async () => {
      throw new HealthDetail('not followed yet')
    },
  }
  const { status, body } = await health([await up(), await up()], { checks })
  expect(status).toBe(503)
  expect(body.dependencies).toMatchObject({ events: { status: 'down', detail: 'not followed yet' } })
})

test('a service that hangs is told within the timeout asked for, and is given a shorter one itself', async () => {
  const hanging = await startUpstream(() => undefined)
  const { status, ms, body } = await health([await up(), hanging], {}, '?timeout=0.3')
  expect(status).toBe(503)
  expect(ms).toBeLessThan(800)
  expect(body.services.payments).toMatchObject({ status: 'down', detail: 'no answer within 0.3 s' })
  expect(hanging.arrived.map(({ url }) => url)).toContain('/health?timeout=0.24')
})

test('what answers there and is no service is down', async () => {
  const stranger = await startUpstream((_request, response) => response.end('<html>'))
  const { body } = await health([await up(), stranger])
  expect(body.services.payments).toMatchObject({ status: 'down' })
})

test('a timeout of any fraction is taken', async () => {
  expect((await health([await up(), await up()], {}, '?timeout=2.770060306883644')).status).toBe(200)
})

test('a timeout that is none is refused', async () => {
  for (const query of ['?timeout=0', '?timeout=31', '?timeout=x', '?timeout=', '?time=1']) {
    expect((await health([await up(), await up()], {}, query)).status, query).toBe(400)
  }
})

test('a service that has more to do than it can is up all the same', async () => {
  const busy = await startUpstream(({ method }, response) => {
    if (method === 'GET') json(response, 200, { status: 'up', dependencies })
  })
  const gateway = await startGateway({ orders: busy.url, payments: busy.url })
  opened.push(busy, gateway)
  const orders = Array.from({ length: 700 }, () =>
    fetch(`${gateway.url}/orders`, { method: 'POST', body: '{}' }),
  )
  expect(await (await Promise.race(orders)).json()).toMatchObject({ code: 'overloaded' })
  const answer = await fetch(`${gateway.url}/health`)
  expect(await answer.json()).toMatchObject({ services: { orders: { status: 'up', dependencies } } })
  expect(answer.status).toBe(200)
  await busy.close()
  await Promise.all(orders)
})
