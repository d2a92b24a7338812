import { connect } from 'node:net'
import { problemBody } from 'edge/problem'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { overloaded } from './forward.ts'
import { answerEach, json, startGateway, startUpstream } from './gateway-fixture.ts'

/** A gateway whose orders-service holds back its answers until it is told to give them. */
let held: (() => void)[]
let orders: Awaited<ReturnType<typeof startUpstream>>
let payments: Awaited<ReturnType<typeof startUpstream>>
let gateway: Awaited<ReturnType<typeof startGateway>>
let waiting: Promise<number>[]
let refused: number

const waitingMax = 640
const tooMany = 10
const order = {
  method: 'POST',
  body: '{"user_id":7,"amount":1}',
  headers: { 'content-type': 'application/json' },
}
const place = (headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/orders`, { ...order, headers: { ...order.headers, ...headers } })

beforeEach(async () => {
  held = []
  orders = await startUpstream((request, response) => {
    if (request.url === '/openapi.json') json(response, 404, {})
    else held.push(() => answerEach(request, response, 201))
  })
  payments = await startUpstream()
  gateway = await startGateway({ orders: orders.url, payments: payments.url }, { timeoutMs: 20_000 })
  refused = 0
  waiting = Array.from({ length: waitingMax + tooMany }, async () => {
    const { status } = await place()
    if (status === 503) refused++
    return status
  })
  // On a slow machine the first has waited for a second before all are here, and more are refused.
  await expect.poll(() => refused, { timeout: 9_000 }).toBeGreaterThanOrEqual(tooMany)
})
afterEach(async () => {
  await Promise.all([orders.close(), payments.close()])
  // The gateway tells those who wait that orders is gone; were it closed before, their connections would break.
  await Promise.allSettled(waiting)
  await gateway.close()
})

test('while orders has too much to do, an order is refused as a problem, with all that a program reads of it', async () => {
  const answer = await place({ 'x-request-id': 'mine' })
  expect(answer.status).toBe(503)
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'retry-after': '1',
    'content-type': 'application/problem+json',
    'x-request-id': 'mine',
    'x-content-type-options': 'nosniff',
  })
  expect(await answer.json()).toEqual(problemBody(overloaded('orders'), 'mine'))
})

test('who names no request is told the one that it was given', async () => {
  const answer = await place()
  const id = answer.headers.get('x-request-id')
  expect(id).toMatch(/^[0-9a-f-]{36}$/)
  expect(await answer.json()).toMatchObject({ request_id: id })
})

test.each([
  ['page of ours', { 'sec-fetch-site': 'same-origin' }],
  ['page of another origin', { origin: 'http://shop.test' }],
])('a %s has the headers that every answer to a browser has', async (_of, headers) => {
  const answer = await place(headers)
  expect([answer.status, answer.headers.get('content-security-policy')]).toEqual([
    503,
    expect.stringContaining("default-src 'self'"),
  ])
  expect(await answer.json()).toMatchObject({ code: 'overloaded' })
})

test('nobody has to send the body first, and the connection goes on', async () => {
  const socket = connect(gateway.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let got = ''
  socket.on('data', data => {
    got += data
  })
  const bytes = 60_000
  socket.write(`POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\n`)
  await expect.poll(() => got).toContain('HTTP/1.1 503')
  socket.write(`${' '.repeat(bytes)}GET /asyncapi.json HTTP/1.1\r\nhost: x\r\n\r\n`)
  await expect.poll(() => got).toContain('HTTP/1.1 200')
})

test('a page of another origin may read its refusal, and calls with a parameter are refused too', async () => {
  const seen = await place({ origin: 'http://shop.test' })
  expect([seen.status, seen.headers.get('access-control-allow-origin')]).toEqual([503, 'http://shop.test'])
  const one = await fetch(`${gateway.url}/orders/01981f6c-7a4e-7c3e-9d52-1f6b7c3a9e10`)
  expect([one.status, await one.json()]).toMatchObject([503, { code: 'overloaded' }])
})

test('what asks another service is served', async () => {
  expect((await fetch(`${gateway.url}/users`, { ...order, body: '{}' })).status).toBe(200)
  expect((await fetch(`${gateway.url}/asyncapi.json`)).status).toBe(200)
})

test('the log tells of it once a second, and the door opens again when the queue is gone', async () => {
  await Promise.all(Array.from({ length: 20 }, () => place()))
  expect(gateway.logged.filter(({ msg }) => msg === 'overloaded; requests are refused').length).toBeLessThan(
    5,
  )
  const answerAll = setInterval(() => {
    for (const answer of held.splice(0)) answer()
  }, 5)
  const statuses = await Promise.all(waiting)
  const served = waiting.length - refused
  const next = await place()
  clearInterval(answerAll)
  expect(served).toBeGreaterThan(0)
  expect(statuses.filter(status => status === 201)).toHaveLength(served)
  expect(next.status).toBe(201)
})
