import { setTimeout as sleep } from 'node:timers/promises'
import { turnMsMax } from 'edge/integrity'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  auditWorkMsMax,
  json,
  keep,
  startGateway,
  startUpstream,
  type TestUpstream,
} from '../gateway-fixture.ts'
import { openUpstream } from '../upstream.ts'
import { Auditor } from './auditor.ts'
import { type Integrity, integrityOf } from './services.ts'

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
  JSON.parse(asked(orders).findLast(({ method }) => method === 'PUT')?.body ?? '')

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

test.each([
  ['received', 'order_not_paid'],
  ['declined', 'result_not_settled'],
])('of an overdue order whose task payments has %s the finding is %s', async (hop, check) => {
  const overdue = { count: 1, is_capped: false, oldest: [{ id: settled_before, user_id: 7 }] }
  const { urls } = await services({ turn: 1, overdue })
  const payments = await keep(
    startUpstream(({ url }, response) =>
      json(response, 200, url.includes('/timeline') ? { hops: [{ hop: 'published' }, { hop }] } : slice),
    ),
  )
  const gateway = await keep(startGateway({ ...urls, payments: payments.url }))
  const report = await gateway.auditor.auditOnce()
  expect(report?.checks.filter(({ violations }) => violations > 0)).toMatchObject([{ name: check }])
})

/** Services with more in them than a turn can check, each slice of which takes 20 ms. */
async function largeServices() {
  const answer = { ...slice, until: '00000000-0000-7000-8000-000000000001', is_last: false }
  const startLarge = () =>
    keep(
      startUpstream(async ({ method }, response) => {
        if (method === 'POST') {
          const turn = { turn: 1, settled_before, overdue, progress: null }
          return json(response, 200, turn)
        }
        if (method === 'PUT') return void response.writeHead(204).end()
        await sleep(20)
        json(response, 200, answer)
      }),
    )
  const [orders, payments] = [await startLarge(), await startLarge()]
  return { orders, payments, urls: { orders: orders.url, payments: payments.url } }
}

test('a turn that somebody waits for works in one go; an unhurried one rests four times as long as it works', async () => {
  const { orders, payments, urls } = await largeServices()
  const gateway = await keep(startGateway(urls))
  async function turn(pace: { isUnhurried: boolean }) {
    const before = asked(orders).length + asked(payments).length
    const startedAt = performance.now()
    await gateway.auditor.auditOnce(pace)
    const tookMs = performance.now() - startedAt
    const calls = asked(orders).length + asked(payments).length - before
    return { callMs: tookMs / calls, pauseMs: ended(orders).pause_ms }
  }
  const hurried = await turn({ isUnhurried: false })
  expect(hurried.pauseMs).toBeGreaterThanOrEqual(4 * auditWorkMsMax)
  const unhurried = await turn({ isUnhurried: true })
  // Each call takes 20 ms, and rests four times that; a few of the turn's own take nothing.
  expect(unhurried.callMs).toBeGreaterThan(3 * hurried.callMs)
  expect(unhurried.pauseMs).toBe(1_000)
})

test('a long turn is leased for longer than it works and rests, or another gateway would take it meanwhile', async () => {
  const { orders, urls } = await services({ turn: 1 })
  const upstreams = {
    orders: await keep(Promise.resolve(openUpstream('orders', urls.orders, 5_000))),
    payments: await keep(Promise.resolve(openUpstream('payments', urls.payments ?? '', 5_000))),
  }
  const leaseOf = async (workMsMax: number) => {
    const log = pino({ level: 'silent' })
    await new Auditor(integrityOf(upstreams), log, { settledWithinMs: 1, workMsMax }).auditOnce()
    return JSON.parse(asked(orders).findLast(({ method }) => method === 'POST')?.body ?? '').lease_ms
  }
  expect(await leaseOf(3_000)).toBe(120_000)
  expect(await leaseOf(30_000)).toBeGreaterThan(5 * 30_000)
})

test('however long a turn and however much it may work, its pause and lease are what orders takes at most', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const told: object[] = []
  const slowSlice = async () => {
    vi.advanceTimersByTime(turnMsMax)
    return slice
  }
  const services = {
    takeTurn: async (body: object) => {
      told.push(body)
      return { turn: 1, settled_before, overdue, progress: null }
    },
    endTurn: async (body: object) => void told.push(body),
    checkOrders: slowSlice,
    checkPayments: slowSlice,
    checkAccounts: slowSlice,
    checkLedger: slowSlice,
  }
  const settings = { settledWithinMs: 1, workMsMax: turnMsMax }
  await new Auditor(services as unknown as Integrity, pino({ level: 'silent' }), settings).auditOnce()
  expect(told).toMatchObject([{ lease_ms: turnMsMax }, { pause_ms: turnMsMax }])
})

test('a gateway that stops ends its turn after the slice in hand, and keeps what it found', async () => {
  const { orders, urls } = await largeServices()
  const gateway = await keep(startGateway(urls))
  const turn = gateway.auditor.auditOnce({ isUnhurried: true })
  await expect.poll(() => asked(orders).length).toBeGreaterThan(1)
  const stoppedAt = performance.now()
  gateway.auditor.stop()
  expect(await turn).toMatchObject({ status: 'sound' })
  expect(performance.now() - stoppedAt).toBeLessThan(1_000)
  expect(ended(orders).progress.sweeps).toBeDefined()
})

test('while it is the turn of another gateway, its last outcome is told and nothing is checked', async () => {
  const first = await services({ turn: 1 })
  const report = await (await fetch(`${(await keep(startGateway(first.urls))).url}/integrity`)).json()
  const { orders, payments, urls } = await services({ turn: null, progress: ended(first.orders).progress })
  const answer = await fetch(`${(await keep(startGateway(urls))).url}/integrity`)
  expect(await answer.json()).toEqual(report)
  expect([asked(orders).length, asked(payments).length]).toEqual([1, 0])
})

test('what a gateway of an earlier version left, which knew fewer areas, is gone on from', async () => {
  const first = await services({ turn: 1 })
  await (await keep(startGateway(first.urls))).auditor.auditOnce()
  const { progress } = ended(first.orders)
  delete progress.sweeps.payments
  const { orders, urls } = await services({ turn: 2, progress })
  expect(await (await keep(startGateway(urls))).auditor.auditOnce()).toMatchObject({ status: 'sound' })
  expect(Object.keys(ended(orders).progress.sweeps)).toContain('payments')
})

test('is checked also while a service has more to do than it can', async () => {
  const { orders, payments, urls } = await services({ turn: 1 })
  const isAudit = ({ url }: { url: string }) => url.startsWith('/integrity')
  const busy = await startUpstream(async (request, response) => {
    if (!isAudit(request)) return
    const { method, url, body } = request
    const answer = await fetch(orders.url + url, { method, ...(body && { body }) })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  const gateway = await keep(startGateway({ ...urls, orders: busy.url }))
  const placed = Array.from({ length: 700 }, () =>
    fetch(`${gateway.url}/orders`, { method: 'POST', body: '{}' }),
  )
  expect((await Promise.race(placed)).status).toBe(503)
  expect(await gateway.auditor.auditOnce()).toMatchObject({ status: 'sound' })
  expect(ended(orders)).toMatchObject({ turn: 1 })
  expect(asked(payments).length).toBeGreaterThan(0)
  await busy.close()
  await Promise.all(placed)
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
