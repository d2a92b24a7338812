import { expect, test } from 'vitest'
import { json, keep, startGateway, startUpstream, type TestUpstream } from '../gateway-fixture.ts'

const settled_before = '01a1fe00-0000-7000-8000-000000000000'
const overdue = { count: 0, is_capped: false, oldest: [] }
const slice = { until: settled_before, is_last: true, checked: 0, agreed: 0, digest: '0', findings: [] }

/** Services with nothing in them; `turn` is what orders gives to who asks for one. */
const services = async (turn: object | undefined, { isPaymentsUp = true } = {}) => {
  const orders = await keep(
    startUpstream(({ method }, response) => {
      if (method === 'POST') return json(response, 200, { settled_before, overdue, progress: null, ...turn })
      return method === 'PUT' ? void response.writeHead(204).end() : json(response, 200, slice)
    }),
  )
  const payments = await keep(startUpstream((_request, response) => json(response, 200, slice)))
  return { orders, payments, urls: { orders: orders.url, ...(isPaymentsUp && { payments: payments.url }) } }
}

const asked = ({ arrived }: TestUpstream) => arrived.filter(({ url }) => url.startsWith('/integrity'))
const ended = (orders: TestUpstream) =>
  JSON.parse(asked(orders).find(({ method }) => method === 'PUT')?.body ?? '')

test('those who ask for the integrity at once share one turn, and a pause follows it', async () => {
  const { orders, urls } = await services({ turn: 1 })
  const gateway = await keep(startGateway(urls))
  const reports = await Promise.all(Array.from({ length: 20 }, () => gateway.auditor.auditOnce()))
  expect(new Set(reports).size).toBe(1)
  expect(reports[0]).toMatchObject({ status: 'sound', violations: 0 })
  expect(gateway.auditor.latest).toBe(reports[0])
  expect(asked(orders).filter(({ method }) => method === 'POST')).toHaveLength(1)
  expect(ended(orders)).toMatchObject({ turn: 1 })
  expect(ended(orders).pause_ms).toBeGreaterThanOrEqual(1_000)
})

test('while it is the turn of another gateway, its last outcome is told and nothing is checked', async () => {
  const first = await services({ turn: 1 })
  const report = await (await fetch(`${(await keep(startGateway(first.urls))).url}/integrity`)).json()
  const { orders, payments, urls } = await services({ turn: null, progress: ended(first.orders).progress })
  const answer = await fetch(`${(await keep(startGateway(urls))).url}/integrity`)
  expect(await answer.json()).toEqual(report)
  expect([asked(orders).length, asked(payments).length]).toEqual([1, 0])
})

test('before the first outcome of all, it says to ask again', async () => {
  const gateway = await keep(startGateway((await services({ turn: null })).urls))
  const answer = await fetch(`${gateway.url}/integrity`)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2'])
  expect(await answer.json()).toMatchObject({ code: 'audit_under_way' })
})

test('without payments it is incomplete and says who is missing; without orders it is 503', async () => {
  const { urls } = await services({ turn: 1 }, { isPaymentsUp: false })
  const half = await keep(startGateway(urls))
  const answer = await fetch(`${half.url}/integrity`)
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({
    status: 'incomplete',
    missing: ['payments-service'],
    violations: 0,
  })
  const none = await keep(startGateway({}))
  expect((await fetch(`${none.url}/integrity`)).status).toBe(503)
})
