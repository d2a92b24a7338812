import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { handleResults, openTestService, resultMessage, type TestService } from '../test-service.ts'
import type { OrderAnswer } from './order-schema.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())
beforeEach(() => service.empty())

const idsOf = (orders: OrderAnswer[]) => orders.map(({ id }) => id)
const list = async (url: string) => idsOf((await service.get(url)).json())

async function placeMany(count: number, user_id = 7): Promise<OrderAnswer[]> {
  const orders: OrderAnswer[] = []
  for (let i = 0; i < count; i++) orders.push(await service.place({ user_id }))
  return orders
}

/** Follows the Link headers from `url` to the end; `between` runs after each page. */
async function follow(url: string, between = async () => {}): Promise<string[][]> {
  const pages: string[][] = []
  for (let next: string | undefined = url; next !== undefined && pages.length < 100; ) {
    const answer = await service.get(next)
    expect(answer.statusCode).toBe(200)
    pages.push(idsOf(answer.json()))
    next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1]
    await between()
  }
  return pages
}

describe('a list', () => {
  test('is empty where there is nothing, and has no next page', async () => {
    const answer = await service.get('/orders/user/7')
    expect([answer.statusCode, answer.json()]).toEqual([200, []])
    expect(answer.headers).not.toHaveProperty('link')
  })

  test('shows the newest first, in pages that end with the last one', async () => {
    const newestFirst = idsOf(await placeMany(7)).toReversed()
    expect(await follow('/orders?limit=3')).toEqual([
      newestFirst.slice(0, 3),
      newestFirst.slice(3, 6),
      newestFirst.slice(6),
    ])
    expect(await follow('/orders?limit=7')).toEqual([newestFirst])
  })

  test('has pages that stay as they are while orders arrive', async () => {
    const newestFirst = idsOf(await placeMany(9)).toReversed()
    const pages = await follow('/orders?limit=2', async () => void (await placeMany(3)))
    expect(pages.flat()).toEqual(newestFirst)
  })

  test('keeps its filters from page to page', async () => {
    const mine = idsOf(await placeMany(3, 7))
    await placeMany(3, 8)
    mine.push(...idsOf(await placeMany(2, 7)))
    expect((await follow('/orders?user_id=7&status=NEW&limit=2')).flat()).toEqual(mine.toReversed())
    expect((await follow('/orders/user/7?limit=2')).flat()).toEqual(mine.toReversed())
    expect(await list('/orders/user/9')).toEqual([])
  })

  test('is filtered by each status', async () => {
    const [fresh, paid, declined] = (await placeMany(3)) as [OrderAnswer, OrderAnswer, OrderAnswer]
    await handleResults(service.db, [
      resultMessage(paid, { status: 'SUCCESS' }),
      resultMessage(declined, { status: 'FAILED', error: 'insufficient_funds' }),
    ])
    expect(await list('/orders?status=NEW')).toEqual([fresh.id])
    expect(await list('/orders?status=PENDING_PAYMENT')).toEqual([])
    expect(await list('/orders?status=FINISHED')).toEqual([paid.id])
    expect(await list('/orders?status=CANCELLED&user_id=7')).toEqual([declined.id])
    const [cancelled] = (await service.get('/orders?status=CANCELLED')).json()
    expect(cancelled).toMatchObject({ reason: 'insufficient_funds' })
  })

  test('has 50 orders where no limit is given, and 200 at most', async () => {
    await Promise.all(Array.from({ length: 210 }, () => service.place()))
    expect(await list('/orders')).toHaveLength(50)
    expect(await list('/orders?limit=200')).toHaveLength(200)
  })

  test('of a rare status is read from its own index', async () => {
    await sql`insert into orders (id, user_id, amount_minor, status, created_at, updated_at)
      select uuidv7(), 1, 1, 'FINISHED', now(), now() from generate_series(1, 20000)`.execute(service.db)
    await service.address.asOwner('analyze orders')
    service.statements.length = 0
    await service.get('/orders?status=NEW')
    const [statement = ''] = service.statements
    const plan = await service.pool.query(`explain ${statement}`)
    expect(JSON.stringify(plan.rows)).toContain('orders_open')
  })
})

test('an order that is not there is 404', async () => {
  const id = '01a1fdd4-1a09-76a7-8b7b-b830af894257'
  for (const url of [`/orders/${id}`, `/orders/${id}/timeline`]) {
    const answer = await service.get(url)
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({
      code: 'order_not_found',
      status: 404,
      detail: expect.stringContaining(id),
    })
  }
})

test('an order is found by its id in capitals', async () => {
  const order = await service.place()
  expect(await service.findOrder(order.id.toUpperCase())).toEqual(order)
})

test('the document describes every call, with an example and every error', async () => {
  const { paths, components } = (await service.get('/openapi.json')).json()
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining([
      '/health',
      '/orders',
      '/orders/user/{user_id}',
      '/orders/{id}',
      '/orders/{id}/timeline',
    ]),
  )
  expect(Object.keys(paths['/orders'].post.responses)).toEqual([
    '201',
    '400',
    '413',
    '415',
    '422',
    '500',
    '503',
  ])
  expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining(['Order', 'Problem']))
  expect((await service.get('/docs')).statusCode).toBe(200)
})
