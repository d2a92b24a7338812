import { sql } from 'kysely'
import { listParked } from 'messaging/dead-letter-rows'
import { discard } from 'messaging/dead-letters'
import { listActs } from 'messaging/operator-acts'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { handleResults, openTestService, resultMessage, silent, type TestService } from '../test-service.ts'
import { statusTopic } from './order-events.ts'
import { settleOrdersConsumer } from './settle-orders.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())
beforeEach(() => service.empty())

const success = { status: 'SUCCESS' }
const failed = { status: 'FAILED', error: 'insufficient_funds' }
const updates = () => service.outboxOf(statusTopic)

describe('a result', () => {
  test('of SUCCESS finishes the order and tells everyone', async () => {
    const order = await service.place()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await handleResults(service.db, [
      resultMessage(order, success, { headers: { ce_id: uuidv7(), traceparent } }),
    ])
    const settled = await service.findOrder(order.id)
    expect(settled).toEqual({ ...order, status: 'FINISHED', updated_at: settled.updated_at })
    expect(settled.updated_at >= order.updated_at).toBe(true)
    expect(await updates()).toMatchObject([
      {
        key: '7',
        aggregate_id: order.id,
        payload: {
          order_id: order.id,
          user_id: 7,
          amount: 10.5,
          status: 'FINISHED',
          timestamp: settled.updated_at,
        },
        headers: { traceparent },
      },
    ])
    expect((await updates())[0]?.payload).not.toHaveProperty('reason')
  })

  test.each(['insufficient_funds', 'account_not_found'])(
    'of FAILED for %s cancels the order',
    async error => {
      const order = await service.place()
      await handleResults(service.db, [resultMessage(order, { status: 'FAILED', error })])
      expect(await service.findOrder(order.id)).toMatchObject({ status: 'CANCELLED', reason: error })
      expect(await updates()).toMatchObject([{ payload: { status: 'CANCELLED', reason: error } }])
    },
  )

  test('of another program, without headers and key and with fields of its own, settles too', async () => {
    const order = await service.place()
    const value = `{"order_id":"${order.id.toUpperCase()}","user_id":7,"amount":10.50,"status":"FAILED","error":"no money left","extra":[1]}`
    await handleResults(service.db, [
      resultMessage(order, {}, { headers: {}, key: null, value: Buffer.from(value) }),
    ])
    expect(await service.findOrder(order.id)).toMatchObject({
      status: 'CANCELLED',
      reason: 'insufficient_funds',
    })
    const { rows } = await sql`select event_id from inbox`.execute(service.db)
    expect(rows).toEqual([{ event_id: order.id }])
  })

  test('delivered twice, in one batch, later or to two consumers at once, settles once', async () => {
    const orders = await Promise.all(Array.from({ length: 10 }, () => service.place()))
    const messages = orders.map(order => resultMessage(order, success))
    await handleResults(service.db, [...messages, ...messages])
    await Promise.all([handleResults(service.db, messages), handleResults(service.db, messages)])
    expect(await updates()).toHaveLength(10)
  })

  test('taken by two consumers at the same moment settles once', async () => {
    const orders = await Promise.all(Array.from({ length: 10 }, () => service.place()))
    const messages = orders.map(order => resultMessage(order, success))
    await Promise.all([handleResults(service.db, messages), handleResults(service.db, messages.toReversed())])
    expect(await updates()).toHaveLength(10)
  })

  test('of one order under several event ids, taken by several consumers at once, settles it once', async () => {
    const orders = await Promise.all(Array.from({ length: 20 }, () => service.place()))
    await Promise.all(
      Array.from({ length: 4 }, () =>
        handleResults(
          service.db,
          orders.map(order => resultMessage(order, success)),
        ),
      ),
    )
    expect(await updates()).toHaveLength(20)
    expect(await service.deadLetters()).toEqual([])
  })

  test('that says the same under another event id is taken and changes nothing', async () => {
    const order = await service.place()
    await handleResults(service.db, [resultMessage(order, success), resultMessage(order, success)])
    const settled = await service.findOrder(order.id)
    await handleResults(service.db, [resultMessage(order, success)])
    expect(await service.findOrder(order.id)).toEqual(settled)
    expect(await updates()).toHaveLength(1)
    expect(await service.deadLetters()).toEqual([])
  })

  test('leaves the order open where its news cannot be written', async () => {
    const order = await service.place()
    const outcome = await service.whileOutboxFails(() =>
      handleResults(service.db, [resultMessage(order, success)], { attemptsMax: 1 }),
    )
    expect(outcome).toMatchObject({ parked: 1 })
    expect(await service.findOrder(order.id)).toMatchObject({ status: 'NEW' })
  })
})

describe('a result that contradicts its order is parked with its reason, and others settle', () => {
  test('an order of another program is passed by, and holds up no order of the same user', async () => {
    const stranger = { id: uuidv7(), user_id: 7, amount: 1 }
    const orders = await Promise.all(Array.from({ length: 5 }, () => service.place()))
    const outcome = await handleResults(service.db, [
      ...orders.slice(0, 3).map(order => resultMessage(order, success)),
      resultMessage(stranger, success),
      ...orders.slice(3).map(order => resultMessage(order, success)),
    ])
    expect(outcome).toEqual({ handled: 6, duplicates: 0, parked: 0, waiting: 0 })
    expect(await service.deadLetters()).toEqual([])
    expect(await updates()).toHaveLength(5)
  })

  test('an order that ended the other way', async () => {
    const order = await service.place()
    await handleResults(service.db, [resultMessage(order, success)])
    const outcome = await handleResults(service.db, [resultMessage(order, failed)])
    expect(outcome).toMatchObject({ parked: 1 })
    expect(await service.deadLetters()).toMatchObject([
      { reason: expect.stringContaining('FINISHED already') },
    ])
    expect(await service.findOrder(order.id)).toMatchObject({ status: 'FINISHED' })
    expect(await updates()).toHaveLength(1)
  })

  test('both ends in one batch: the first one counts', async () => {
    const order = await service.place()
    await handleResults(service.db, [resultMessage(order, failed), resultMessage(order, success)])
    expect(await service.findOrder(order.id)).toMatchObject({ status: 'CANCELLED' })
    expect(await service.deadLetters()).toMatchObject([
      { reason: expect.stringContaining('CANCELLED already') },
    ])
  })

  test.each([{ amount: 10.51 }, { user_id: 8 }])('an order with %o', async other => {
    const order = await service.place()
    await handleResults(service.db, [resultMessage({ ...order, ...other }, success)])
    expect(await service.deadLetters()).toMatchObject([{ state: 'parked' }])
    expect(await service.findOrder(order.id)).toMatchObject({ status: 'NEW' })
  })

  test.each([null, Buffer.alloc(0), Buffer.from('{'), Buffer.from([0xff])])(
    'bytes that are no result: %o',
    async value => {
      const order = await service.place()
      const outcome = await handleResults(service.db, [
        resultMessage(order, {}, { value, key: '8' }),
        resultMessage(order, success),
      ])
      expect(outcome).toMatchObject({ handled: 1, parked: 1 })
      expect(await service.findOrder(order.id)).toMatchObject({ status: 'FINISHED' })
    },
  )
})

test('five hundred results cost the same few statements as one', async () => {
  const count = async (n: number) => {
    const orders = await Promise.all(Array.from({ length: n }, (_, i) => service.place({ user_id: i + 1 })))
    const messages = orders.map((order, i) => resultMessage(order, i % 3 ? success : failed))
    const before = service.statements.length
    await handleResults(service.db, messages)
    return service.statements.length - before
  }
  const one = await count(1)
  expect(await count(500)).toBe(one)
  expect(one).toBeLessThanOrEqual(7)
  const settled = await sql<{
    n: number
  }>`select count(*)::int as n from orders where status <> 'NEW'`.execute(service.db)
  expect(settled.rows).toEqual([{ n: 501 }])
})

test('the timeline tells the hops that happened, and that the others are awaited', async () => {
  const order = await service.place()
  const timeline = async () => (await service.get(`/orders/${order.id}/timeline`)).json()
  expect(await timeline()).toEqual({
    order_id: order.id,
    hops: [
      { hop: 'accepted', service: 'orders-service', at: order.created_at },
      { hop: 'published', service: 'orders-service', at: null },
      { hop: 'received', service: 'payments-service', at: null },
      { hop: 'result_published', service: 'payments-service', at: null },
      { hop: 'settled', service: 'orders-service', at: null },
    ],
  })
  const timestamp = new Date('2026-01-31T12:00:00.123Z')
  await handleResults(service.db, [resultMessage(order, success, { partition: 3, offset: 42n, timestamp })])
  const { updated_at } = await service.findOrder(order.id)
  expect(await timeline()).toEqual({
    order_id: order.id,
    hops: [
      { hop: 'accepted', service: 'orders-service', at: order.created_at },
      {
        hop: 'result_published',
        service: 'payments-service',
        at: '2026-01-31T12:00:00.123Z',
        topic: 'payment_status_updates',
        partition: 3,
        offset: 42,
      },
      { hop: 'settled', service: 'orders-service', at: updated_at },
    ],
  })
})

/** The last hops of an order whose result lies in partition 3, and is not handled. */
const publishedAndOpen = (publishedAt: Date, offset: number) => [
  {
    hop: 'result_published',
    service: 'payments-service',
    at: publishedAt.toISOString(),
    topic: 'payment_status_updates',
    partition: 3,
    offset,
  },
  { hop: 'settled', service: 'orders-service', at: null },
]

test('the timeline tells that a result was published while it is parked, or waits behind one that is', async () => {
  const orders = [await service.place(), await service.place(), await service.place()]
  const timestamp = new Date('2026-01-31T12:00:00.123Z')
  const letters = orders.map((order, i) =>
    resultMessage(i === 0 ? { ...order, amount: 10.51 } : order, success, {
      partition: 3,
      offset: 50n + BigInt(i),
      timestamp,
      // The last as other programs send it: its id is that of its order.
      headers: i === 2 ? ({} as Record<string, string>) : { ce_id: uuidv7(), ce_subject: order.id },
    }),
  )
  expect(await handleResults(service.db, letters)).toMatchObject({ parked: 1, waiting: 2 })
  for (const [i, { id }] of orders.entries()) {
    const { hops } = (await service.get(`/orders/${id.toUpperCase()}/timeline`)).json()
    expect(hops.slice(-2)).toEqual(publishedAndOpen(timestamp, 50 + i))
  }
})

test('the timeline tells that a result was discarded, when, by which act, and what to do; sent again, it settles the order', async () => {
  const order = await service.place()
  const timestamp = new Date('2026-01-31T12:00:00.123Z')
  const headers = { ce_id: uuidv7(), ce_subject: order.id }
  const result = resultMessage({ ...order, amount: 10.51 }, success, {
    partition: 3,
    offset: 60n,
    timestamp,
    headers,
  })
  await handleResults(service.db, [result])
  const definition = settleOrdersConsumer({ log: silent, clock: () => new Date() })
  const [letter] = await listParked(service.db, { consumer: definition.name })
  const timeline = async () => (await service.get(`/orders/${order.id}/timeline`)).json()
  expect(await timeline()).not.toHaveProperty('discarded')
  const desk = { db: service.db, definition, log: silent }
  await discard(desk, letter!.id, { who: 'ana', why: 'of another amount' })
  const [act] = await listActs(service.db, { deadLetterId: letter!.id })
  const { hops, discarded } = await timeline()
  expect(hops.slice(-2)).toEqual(publishedAndOpen(timestamp, 60))
  expect(discarded).toEqual({
    service: 'orders-service',
    at: act!.at.toISOString(),
    act: String(act!.id),
    dead_letter: `orders/${letter!.id}`,
    detail: expect.stringMatching(/payments decided stands.*stays open.*under a new event id/),
  })
  expect(await service.findOrder(order.id)).toMatchObject({ status: 'NEW' })
  // As the detail says.
  await handleResults(service.db, [resultMessage(order, success)])
  expect(await service.findOrder(order.id)).toMatchObject({ status: 'FINISHED' })
  expect(await timeline()).not.toHaveProperty('discarded')
})
