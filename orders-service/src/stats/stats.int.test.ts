import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { handleResults, openTestService, resultMessage, type TestService } from '../test-service.ts'
import { readOrderCounts } from './order-counts.ts'
import { readOrderFlow } from './order-flow.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service.close())
beforeEach(() => service.empty())

async function settle(count: number, content: Record<string, unknown>) {
  const orders = await Promise.all(Array.from({ length: count }, () => service.place()))
  await handleResults(
    service.db,
    orders.map(order => resultMessage(order, content)),
  )
}

describe('the flow of orders', () => {
  test('counts what was placed and settled in the last minute, and how long it took', async () => {
    await settle(3, { status: 'SUCCESS' })
    await settle(1, { status: 'FAILED', error: 'insufficient_funds' })
    await service.place()
    const flow = await readOrderFlow(service.db, new Date(Date.now() + 2_000))
    expect(flow).toMatchObject({ windowSeconds: 60, placed: 5, finished: 3, cancelled: 1 })
    expect(flow.timeToSettleMs?.p99).toBeGreaterThanOrEqual(flow.timeToSettleMs?.p50 ?? Number.NaN)
    expect(flow.timeToSettleMs?.p99).toBeLessThan(10_000)
    expect(flow.seconds).toHaveLength(59)
    expect(flow.seconds.reduce((sum, { placed }) => sum + placed, 0)).toBe(5)
    expect(flow.seconds.reduce((sum, { settled }) => sum + settled, 0)).toBe(4)
  })

  test('forgets what is older than a minute', async () => {
    await settle(2, { status: 'SUCCESS' })
    const flow = await readOrderFlow(service.db, new Date(Date.now() + 70_000))
    expect(flow).toMatchObject({ placed: 0, finished: 0, timeToSettleMs: null })
  })

  test('looks further back while the newest rows do not reach over the minute', async () => {
    await sql`insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
      select 'order', uuidv7(), 'OrderPlaced', 'order_payment_tasks', '7', '{}' from generate_series(1, 3000)`.execute(
      service.db,
    )
    const flow = await readOrderFlow(service.db, new Date(Date.now() + 1_000))
    expect(flow).toMatchObject({ windowSeconds: 60, placed: 3_000 })
  })

  test('shortens its window where a minute holds more than it looks at', async () => {
    await sql`insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload, created_at)
      select 'order', uuidv7(), 'OrderPlaced', 'order_payment_tasks', '7', '{}', now() - interval '40 s' + i * interval '0.5 ms'
      from generate_series(1, 60000) i`.execute(service.db)
    const flow = await readOrderFlow(service.db, new Date())
    expect(flow.placed).toBe(50_000)
    expect(flow.windowSeconds).toBeGreaterThan(30)
    expect(flow.windowSeconds).toBeLessThan(38)
  })
})

describe('orders by status', () => {
  test('are counted in a small table', async () => {
    await settle(3, { status: 'SUCCESS' })
    await settle(2, { status: 'FAILED', error: 'insufficient_funds' })
    await service.place()
    expect(await readOrderCounts(service.db)).toEqual({
      total: 6,
      open: 1,
      finished: 3,
      cancelled: 2,
      isEstimate: false,
    })
  })

  test('are estimated in a large one, without reading it, and say so', async () => {
    await settle(3, { status: 'SUCCESS' })
    await settle(2, { status: 'FAILED', error: 'insufficient_funds' })
    await service.place()
    await service.address.asOwner('analyze orders')
    await service.address.asOwner('vacuum orders')
    service.statements.length = 0
    expect(await readOrderCounts(service.db, 0)).toEqual({
      total: 6,
      open: 1,
      finished: 3,
      cancelled: 2,
      isEstimate: true,
    })
    expect(service.statements).toHaveLength(1)
  })
})

test('GET /stats tells the engine and the flow; those who ask together share one reading', async () => {
  await settle(2, { status: 'SUCCESS' })
  const app = await service.newApp()
  service.statements.length = 0
  const [one, other] = await Promise.all([app.inject('/stats'), app.inject('/stats')])
  await app.close()
  expect(one.statusCode).toBe(200)
  expect(one.json()).toMatchObject({
    service: 'orders-service',
    placed: 2,
    finished: 2,
    consumer: { name: 'orders.settle', lag: 0 },
    dead_letters: { parked: 0, waiting: 0 },
    orders: { total: 2, is_estimate: false },
  })
  expect(other.body).toBe(one.body)
  expect(service.statements.filter(statement => statement.includes('relay_cursor'))).toHaveLength(1)
})
