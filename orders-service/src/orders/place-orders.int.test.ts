import { setTimeout as sleep } from 'node:timers/promises'
import { openPool } from 'edge/postgres'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { followCommits } from '../../../messaging/src/commits.ts'
import { openOrdersDatabase } from '../database.ts'
import { openTestService, type TestService } from '../test-service.ts'
import { tasksTopic } from './order-events.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())
beforeEach(() => service.empty())

const order = { user_id: 7, amount: 10.5 }
const key = (name: string) => ({ 'idempotency-key': name })
const ordersPlaced = async () => (await service.get('/orders?limit=200')).json()
const tasks = () => service.outboxOf(tasksTopic)

/**
 * Sends requests while no order can be inserted: the first, one for each instance, hang in their transactions, and
 * the others gather behind them. Answers of the first come first.
 */
async function whileHeld<Result>(
  first: (() => Promise<Result>)[],
  others: () => Promise<Result>[],
): Promise<Result[]> {
  // The owner has one session: the lock stays until it commits.
  await service.address.asOwner('begin; lock table orders in share mode')
  const sent = first.map(send => send())
  try {
    await expect.poll(waitingForLocks, { interval: 5, timeout: 10_000 }).toBe(first.length)
    sent.push(...others())
    await sleep(gatherMs)
  } finally {
    await service.address.asOwner('commit')
  }
  return Promise.all(sent)
}
/** More than a request takes to its place behind the first. */
const gatherMs = 100

async function waitingForLocks(): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from pg_locks
    where not granted and database = (select oid from pg_database where datname = current_database())`.execute(
    service.db,
  )
  return rows[0]?.n ?? 0
}

/** Makes each order of 13.13 fail at its commit, after all statements of the transaction. */
async function whileUnluckyOrdersFail<Result>(act: () => Promise<Result>): Promise<Result> {
  await service.address.asOwner(`
    create function made_to_fail() returns trigger language plpgsql as $$
    begin if new.amount_minor = 1313 then raise exception 'made to fail'; end if; return null; end $$;
    create constraint trigger made_to_fail after insert on orders deferrable initially deferred
    for each row execute function made_to_fail()`)
  try {
    return await act()
  } finally {
    await service.address.asOwner('drop function made_to_fail cascade')
  }
}

describe('an order', () => {
  test('is answered with 201, its place and its state, and is found there', async () => {
    const answer = await service.post({ ...order, description: 'Two books' })
    expect(answer.statusCode).toBe(201)
    const { id } = answer.json()
    expect(answer.headers.location).toBe(`/orders/${id}`)
    expect(answer.headers).not.toHaveProperty('idempotency-replayed')
    expect(answer.json()).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      user_id: 7,
      amount: 10.5,
      description: 'Two books',
      status: 'NEW',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      updated_at: answer.json().created_at,
    })
    expect((await service.get(`/orders/${id}`)).json()).toEqual(answer.json())
  })

  test('asks payments for its payment, keyed by its user, within the trace of its request', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const { id } = (await service.post({ ...order, description: 'Two books' }, { traceparent })).json()
    expect(await tasks()).toMatchObject([
      {
        key: '7',
        aggregate_id: id,
        payload: { order_id: id, user_id: 7, amount: 10.5, description: 'Two books' },
        headers: { traceparent },
      },
    ])
  })

  test('takes the largest user, the largest and the smallest amount, and any text', async () => {
    const description = 'Zürich 🎉 "\\ \u2028 \u0001'
    for (const amount of [0.01, 9999999999.99, 0.1, 1.1, 4.35]) {
      const placed = (await service.post({ user_id: 9007199254740991, amount, description })).json()
      expect(placed).toMatchObject({ user_id: 9007199254740991, amount, description })
      expect(await service.findOrder(placed.id)).toEqual(placed)
    }
  })

  test('does not exist where its outbox row cannot be written', async () => {
    const answer = await service.whileOutboxFails(() => service.post(order))
    expect(answer.statusCode).toBe(500)
    expect(answer.json()).toMatchObject({ code: 'internal_error' })
    expect(answer.body).not.toContain('no event is taken')
    expect(await ordersPlaced()).toEqual([])
  })

  test('asks for no payment where it is not stored itself', async () => {
    const answer = await whileUnluckyOrdersFail(() => service.post({ ...order, amount: 13.13 }))
    expect(answer.statusCode).toBe(500)
    expect([await ordersPlaced(), await tasks()]).toEqual([[], []])
  })
})

describe('orders that come at the same time', () => {
  const count = 50

  test('share transactions, keep their order, and one too many is told so at once', async () => {
    const app = await service.newApp({ placing: { queueMax: count - 1 } })
    const bodies = Array.from({ length: count }, (_, i) => ({ user_id: 7, amount: (i + 1) / 100 }))
    const refused: ReturnType<typeof service.post>[] = []
    const [first, ...others] = bodies.map(body => () => service.post(body, {}, app))
    const answers = await whileHeld([first!], () => {
      const sent = others.map(send => send())
      refused.push(service.post(order, {}, app))
      return sent
    })
    const [tooMany] = await Promise.all(refused)
    expect(tooMany?.statusCode).toBe(503)
    expect(tooMany?.json()).toMatchObject({ code: 'overloaded' })
    expect(tooMany?.headers['retry-after']).toBe('1')
    await app.close()
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(count).fill(201))

    const appended = await tasks()
    expect(new Set(appended.map(({ xid }) => xid)).size).toBe(2)
    expect(appended.map(({ payload }) => payload.amount)).toEqual(bodies.map(({ amount }) => amount))
    const ids = appended.map(({ aggregate_id }) => aggregate_id)
    expect(ids).toEqual(answers.map(answer => answer.json().id))
    expect(ids).toEqual(ids.toSorted())
  })

  test('fail alone: one that cannot be stored takes no other with it', async () => {
    const post = (amount: number) => service.post({ user_id: 7, amount })
    const answers = await whileUnluckyOrdersFail(() =>
      whileHeld([() => post(1)], () => [2, 13.13, 3, 4, 5].map(post)),
    )
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201, 500, 201, 201, 201])
    expect((await tasks()).map(({ payload }) => payload.amount)).toEqual([1, 2, 3, 4, 5])
    expect(await ordersPlaced()).toHaveLength(5)
  })

  test('are told to the relay once they are committed', async () => {
    const seen: number[] = []
    const counting: Promise<unknown>[] = []
    const onCommit = () => void counting.push(tasks().then(rows => seen.push(rows.length)))
    const unfollow = followCommits(service.pool, { rider: () => undefined, onCommit })
    // A commit that takes its time: whoever is told before it is done, and looks, finds nothing.
    await service.address.asOwner(`
      create function dawdle() returns trigger language plpgsql as 'begin perform pg_sleep(0.3); return null; end';
      create constraint trigger dawdle after insert on orders deferrable initially deferred
      for each row execute function dawdle()`)
    await service.post(order)
    unfollow()
    await Promise.all(counting)
    await service.address.asOwner('drop function dawdle cascade')
    expect(seen).toEqual([1])
  })
})

describe('an idempotency key', () => {
  test('with the same body gives the first answer again, also when the order has moved on', async () => {
    const first = await service.post(order, key('once'))
    await sql`update orders set status = 'FINISHED', updated_at = now()`.execute(service.db)
    const again = await service.post(order, key('once'))
    expect(first.headers).not.toHaveProperty('idempotency-replayed')
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect([again.statusCode, again.headers.location, again.body]).toEqual([
      201,
      first.headers.location,
      first.body,
    ])
    expect([(await ordersPlaced()).length, (await tasks()).length]).toEqual([1, 1])
  })

  test.each([
    ['amount', { ...order, amount: 10.51 }],
    ['user', { ...order, user_id: 8 }],
    ['description', { ...order, description: 'Two books' }],
  ])('with another %s is 422 idempotency_key_reused, and places nothing', async (_field, other) => {
    await service.post(order, key('once'))
    const answer = await service.post(other, key('once'))
    expect(answer.statusCode).toBe(422)
    expect(answer.json()).toMatchObject({
      code: 'idempotency_key_reused',
      errors: [{ in: 'header', field: 'idempotency-key' }],
    })
    expect(await ordersPlaced()).toHaveLength(1)
  })

  test('is the same key however the JSON is written', async () => {
    const post = (payload: string) =>
      service.app.inject({
        method: 'POST',
        url: '/orders',
        payload,
        headers: { ...key('once'), 'content-type': 'application/json' },
      })
    const first = await post('{"user_id":7,"amount":10.50}')
    const again = await post(' { "amount" : 1.05e1, "user_id" : 7 } ')
    expect(again.body).toBe(first.body)
  })

  test('that comes several times within one transaction places once', async () => {
    const [, ...answers] = await whileHeld([() => service.post({ ...order, amount: 1 })], () =>
      [order, order, { ...order, amount: 99 }, order].map(body => service.post(body, key('once'))),
    )
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201, 422, 201])
    expect(answers.map(({ headers }) => headers['idempotency-replayed'])).toEqual([
      undefined,
      'true',
      undefined,
      'true',
    ])
    expect(new Set([0, 1, 3].map(i => answers[i]?.body)).size).toBe(1)
    expect((await tasks()).map(({ payload }) => payload.amount)).toEqual([1, 10.5])
  })

  test('that comes to two instances at once places once', async () => {
    const other = await service.newApp()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => service.post(order, key('once'), i % 2 ? other : service.app)),
    )
    await other.close()
    expect(answers.every(({ statusCode }) => statusCode === 201)).toBe(true)
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1)
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect([(await ordersPlaced()).length, (await tasks()).length]).toEqual([1, 1])
  })

  test('many of which come to two instances in opposite order make no deadlock', async () => {
    const other = await service.newApp()
    const names = Array.from({ length: 40 }, (_, i) => `key-${i}`)
    const answers = await whileHeld([() => service.post(order), () => service.post(order, {}, other)], () => [
      ...names.map(name => service.post(order, key(name))),
      ...names.toReversed().map(name => service.post(order, key(name), other)),
    ])
    await other.close()
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(82).fill(201))
    expect(await tasks()).toHaveLength(42)
  })

  test('that an instance holds which stands still makes no other order wait for it', async () => {
    const frozen = await service.db.startTransaction().execute()
    await sql`insert into idempotency_keys values ('POST /orders', 'held', '', '{}')`.execute(frozen)
    const again = service.post(order, key('held'))
    await sleep(gatherMs)
    const others = await Promise.all([service.post(order), service.post(order, key('other'))])
    expect(others.map(({ statusCode }) => statusCode)).toEqual([201, 201])
    const refused = await again
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1'])
    await frozen.rollback().execute()
    expect((await service.post(order, key('held'))).statusCode).toBe(201)
    expect(await ordersPlaced()).toHaveLength(3)
  }, 10_000)

  test('is remembered by an instance that starts later', async () => {
    const before = await service.newApp()
    const first = await service.post(order, key('once'), before)
    await before.close()
    const after = await service.newApp()
    const again = await service.post(order, key('once'), after)
    const reused = await service.post({ ...order, amount: 1 }, key('once'), after)
    await after.close()
    expect([again.headers['idempotency-replayed'], again.body]).toEqual(['true', first.body])
    expect(reused.statusCode).toBe(422)
  })

  test('stays free where its order could not be stored', async () => {
    const unlucky = { ...order, amount: 13.13 }
    const failed = await whileUnluckyOrdersFail(() => service.post(unlucky, key('once')))
    expect(failed.statusCode).toBe(500)
    const second = await service.post(unlucky, key('once'))
    expect(second.statusCode).toBe(201)
    expect(second.headers).not.toHaveProperty('idempotency-replayed')
  })
})

test('without its database the service answers 503 and says when to come back', async () => {
  const db = openOrdersDatabase(openPool({ ...service.address, port: 1 }, 'test', 4))
  const app = await service.newApp({ db })
  for (const url of ['/orders', '/orders/user/7', '/orders/01a1fdd4-1a09-76a7-8b7b-b830af894257']) {
    expect((await app.inject(url)).statusCode).toBe(503)
  }
  const answer = await service.post(order, {}, app)
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1'])
  expect(answer.json()).toMatchObject({ code: 'unavailable' })
  expect(answer.body).not.toContain('ECONNREFUSED')
  const health = await app.inject('/health?timeout=1')
  expect(health.statusCode).toBe(503)
  expect(health.json()).toMatchObject({
    dependencies: { database: { status: 'down' }, kafka: { status: 'up' } },
  })
  await app.close()
  await db.destroy()
})
