import { sql } from 'kysely'
import { listParked } from 'messaging/dead-letter-rows'
import { discard } from 'messaging/dead-letters'
import { listActs } from 'messaging/operator-acts'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { handleTasks, openTestService, silent, type TestService, taskMessage } from '../test-service.ts'
import { debitAccountsConsumer } from './debit-accounts.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())

const timelineOf = async (orderId: string) => {
  const answer = await service.app.inject(`/payments/order/${orderId}/timeline`)
  expect(answer.statusCode).toBe(200)
  return answer.json()
}

test('tells when and where the task was published, when it was received, and that it was debited', async () => {
  const user = await service.newUser(10_000n)
  const timestamp = new Date('2026-01-31T12:00:00Z')
  const message = taskMessage({ user_id: user, amount: 1 }, { partition: 3, offset: 41n, timestamp })
  await handleTasks(service.db, [message])
  const place = { topic: 'order_payment_tasks', partition: 3, offset: 41 }
  const time = expect.stringMatching(/^\d{4}-.*Z$/)
  const timeline = {
    order_id: message.orderId,
    hops: [
      { hop: 'published', service: 'orders-service', at: timestamp.toISOString(), ...place },
      { hop: 'received', service: 'payments-service', at: time, ...place },
      { hop: 'debited', service: 'payments-service', at: time },
    ],
  }
  expect(await timelineOf(message.orderId)).toEqual(timeline)
  expect(await timelineOf(message.orderId.toUpperCase())).toEqual(timeline)
})

test('tells that an order was declined, also of a message without headers', async () => {
  const message = taskMessage({ user_id: 999, amount: 1 }, { headers: {} })
  await handleTasks(service.db, [message])
  const { hops } = await timelineOf(message.orderId)
  expect(hops.map(({ hop }: { hop: string }) => hop)).toEqual(['published', 'received', 'declined'])
  expect(hops[1].at).not.toBeNull()
})

test('knows what was decided when the inbox has forgotten the message', async () => {
  const message = taskMessage({ user_id: 999, amount: 1 })
  await handleTasks(service.db, [message])
  await sql`delete from inbox where event_id = ${message.headers.ce_id}`.execute(service.db)
  expect((await timelineOf(message.orderId)).hops).toEqual([
    { hop: 'published', service: 'orders-service', at: null },
    { hop: 'received', service: 'payments-service', at: null },
    { hop: 'declined', service: 'payments-service', at: expect.any(String) },
  ])
})

/** Until a test drops it: a task of 66.60 is parked. */
const refusePoison = () =>
  service.address.asOwner(`
    alter table payments drop constraint if exists no_poison,
                         add constraint no_poison check (amount_minor <> 6660) not valid`)

test('tells that a task was published and received while it is parked, or waits behind one that is', async () => {
  const user = await service.newUser(10_000n)
  await refusePoison()
  const timestamp = new Date('2026-01-31T12:00:00Z')
  const letters = [66.6, 1].map((amount, i) => {
    const message = taskMessage(
      { user_id: user, amount },
      { partition: 3, offset: 50n + BigInt(i), timestamp },
    )
    return {
      ...message,
      headers: { ...message.headers, ce_subject: message.orderId } as Record<string, string>,
    }
  })
  // As other programs send it: its id is that of its order.
  letters.push(
    taskMessage({ user_id: user, amount: 2 }, { partition: 3, offset: 52n, timestamp, headers: {} }),
  )
  expect(await handleTasks(service.db, letters, { attemptsMax: 1 })).toMatchObject({ parked: 1, waiting: 2 })
  for (const { orderId, offset } of letters) {
    const place = { topic: 'order_payment_tasks', partition: 3, offset: Number(offset) }
    expect((await timelineOf(orderId)).hops).toEqual([
      { hop: 'published', service: 'orders-service', at: timestamp.toISOString(), ...place },
      { hop: 'received', service: 'payments-service', at: expect.any(String), ...place },
    ])
  }
})

test('tells that a task was discarded, when, by which act, and what to do; sent again, it is decided', async () => {
  const user = await service.newUser(10_000n)
  await refusePoison()
  const timestamp = new Date('2026-01-31T12:00:00Z')
  const place = { topic: 'order_payment_tasks', partition: 3, offset: 60 }
  const letters = ['the first of a user', 'as other programs send it'].map((_, i) => {
    const message = taskMessage(
      { user_id: user + 1_000 * i, amount: 66.6 },
      { partition: 3, offset: 60n, timestamp, ...(i === 1 && { headers: {} }) },
    )
    if (i === 0) message.headers.ce_subject = message.orderId
    return message
  })
  await handleTasks(service.db, letters, { attemptsMax: 1 })
  const definition = debitAccountsConsumer({ log: silent, clock: () => new Date() })
  const desk = { db: service.db, definition, log: silent }
  for (const { orderId, key, value, headers } of letters) {
    const [letter] = (await listParked(service.db, { consumer: definition.name })).filter(
      ({ source }) => source.key === key,
    )
    expect((await timelineOf(orderId)).discarded).toBeUndefined()
    await discard(desk, letter!.id, { who: 'ana', why: 'no such product' })
    const [act] = await listActs(service.db, { deadLetterId: letter!.id })
    expect(await timelineOf(orderId)).toEqual({
      order_id: orderId,
      hops: [
        { hop: 'published', service: 'orders-service', at: timestamp.toISOString(), ...place },
        { hop: 'received', service: 'payments-service', at: expect.any(String), ...place },
      ],
      discarded: {
        service: 'payments-service',
        at: act!.at.toISOString(),
        act: String(act!.id),
        dead_letter: `payments/${letter!.id}`,
        detail: expect.stringMatching(/nothing was debited.*stays open.*under a new event id/),
      },
    })
    // As the detail says. What stopped it before is mended.
    await service.address.asOwner('alter table payments drop constraint if exists no_poison')
    const again = { key, value, headers: { ...headers, ce_id: uuidv7() } }
    await handleTasks(service.db, [taskMessage({ user_id: user, amount: 66.6 }, again)])
    const decided = await timelineOf(orderId)
    expect(decided).not.toHaveProperty('discarded')
    expect(decided.hops.map(({ hop }: { hop: string }) => hop)).toEqual([
      'published',
      'received',
      key === String(user) ? 'debited' : 'declined',
    ])
  }
  expect(await service.balanceOf(user)).toBe(10_000n - 6_660n)
})

test('has no hops of an order whose task was not received', async () => {
  const order_id = uuidv7()
  expect(await timelineOf(order_id)).toEqual({ order_id, hops: [] })
})
