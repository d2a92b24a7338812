import { forgetIdempotencyKeysOnce } from 'edge/idempotency-retention'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findBrokenLedgers, openTestService, type TestService } from '../test-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())
beforeEach(() => service.empty())

const post = (body: object) => service.app.inject({ method: 'POST', url: '/users', payload: body })
const get = (url: string) => service.app.inject({ method: 'GET', url })
const change = (
  balance_change: number,
  { user = 7, key = undefined as string | undefined, app = service.app } = {},
) =>
  app.inject({
    method: 'PATCH',
    url: `/users/${user}`,
    payload: { balance_change },
    headers: key === undefined ? {} : { 'idempotency-key': key },
  })
const balances = async () => (await get('/users')).json().map(({ balance }: { balance: number }) => balance)

describe('opening an account', () => {
  test('answers 201 with the account and where it is', async () => {
    const answer = await post({ user_id: 7, balance: 10.5 })
    expect(answer.statusCode).toBe(201)
    expect(answer.headers.location).toBe('/users/7')
    expect(answer.json()).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      user_id: 7,
      balance: 10.5,
      created_at: expect.stringMatching(/Z$/),
      updated_at: answer.json().created_at,
    })
    const found = await get('/users/7')
    expect(found.statusCode).toBe(200)
    expect(found.json()).toEqual(answer.json())
  })

  test('without a balance begins at 0 with an empty ledger', async () => {
    expect((await post({ user_id: 7 })).json()).toMatchObject({ balance: 0 })
    expect((await get('/users/7/ledger')).json()).toEqual([])
  })

  test('takes the largest user id and the largest balance', async () => {
    const answer = await post({ user_id: 9007199254740991, balance: 9999999999.99 })
    expect(answer.json()).toMatchObject({ user_id: 9007199254740991, balance: 9999999999.99 })
    expect((await get('/users/9007199254740991')).json()).toEqual(answer.json())
  })

  test('twice is 409 account_exists and changes nothing', async () => {
    await post({ user_id: 7, balance: 10 })
    const again = await post({ user_id: 7, balance: 99 })
    expect(again.statusCode).toBe(409)
    expect(again.json()).toMatchObject({ code: 'account_exists', errors: [{ field: 'user_id' }] })
    expect((await get('/users/7')).json()).toMatchObject({ balance: 10 })
    expect((await get('/users/7/ledger')).json()).toHaveLength(1)
  })

  test('by many at once opens one', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post({ user_id: 7, balance: 10 })))
    expect(answers.map(({ statusCode }) => statusCode).toSorted()).toEqual([201, ...Array(9).fill(409)])
    expect((await get('/users/7/ledger')).json()).toHaveLength(1)
  })

  test('leaves nothing where its ledger entry fails', async () => {
    await service.address.asOwner(
      "alter table ledger_entries add constraint made_to_fail check (kind <> 'opening')",
    )
    const answer = await post({ user_id: 7, balance: 10 })
    await service.address.asOwner('alter table ledger_entries drop constraint made_to_fail')
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('made_to_fail')
    expect((await get('/users/7')).statusCode).toBe(404)
  })
})

describe('changing a balance', () => {
  beforeEach(() => post({ user_id: 7, balance: 100 }))

  test('deposits and withdraws, and answers the account', async () => {
    expect((await change(0.1)).json()).toMatchObject({ user_id: 7, balance: 100.1 })
    expect((await change(0.2)).json()).toMatchObject({ balance: 100.3 })
    const answer = await change(-100.3)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ balance: 0 })
    expect((await get('/users/7')).json()).toEqual(answer.json())
  })

  test('refuses to withdraw more than there is, with 422 insufficient_funds', async () => {
    const answer = await change(-100.01)
    expect(answer.statusCode).toBe(422)
    expect(answer.json()).toMatchObject({ code: 'insufficient_funds', errors: [{ field: 'balance_change' }] })
    expect(await balances()).toEqual([100])
  })

  test('of a balance of 0 it does not say to withdraw less', async () => {
    await change(-100)
    expect((await change(-1)).json().detail).toBe(
      'The balance is 0, so nothing can be withdrawn. Deposit first.',
    )
  })

  test('refuses to go past the largest balance, with 422 balance_limit_exceeded', async () => {
    await sql`update accounts set balance_minor = 999999999999999 - 1`.execute(service.db)
    const answer = await change(0.02)
    expect(answer.statusCode).toBe(422)
    expect(answer.json()).toMatchObject({
      code: 'balance_limit_exceeded',
      errors: [{ field: 'balance_change' }],
    })
    expect((await change(0.01)).json()).toMatchObject({ balance: 9999999999999.99 })
  })

  test('of an account that stands still makes no other wait for long, and takes nothing', async () => {
    await post({ user_id: 8, balance: 1 })
    const frozen = await service.db.startTransaction().execute()
    await sql`select from accounts where user_id = 7 for update`.execute(frozen)
    const refused = Array.from({ length: 20 }, async () => change(1))
    const other = await change(1, { user: 8 })
    expect(other.statusCode).toBe(200)
    for (const { statusCode, headers } of await Promise.all(refused))
      expect([statusCode, headers['retry-after']]).toEqual([503, '1'])
    await frozen.rollback().execute()
    expect(await balances()).toEqual([100, 2])
  }, 20_000)

  test('of a user without an account is 404', async () => {
    const answer = await change(1, { user: 8 })
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ code: 'account_not_found' })
  })

  test('by many at once takes each change once and never goes below 0', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => change(i % 2 ? 1 : -9)))
    const taken = answers.filter(({ statusCode }) => statusCode === 200)
    expect(answers.every(({ statusCode }) => statusCode === 200 || statusCode === 422)).toBe(true)
    const entries = (await get('/users/7/ledger?limit=200')).json()
    expect(entries).toHaveLength(1 + taken.length)
    expect(await findBrokenLedgers(service.db)).toEqual([])
  })
})

describe('an idempotency key', () => {
  beforeEach(() => post({ user_id: 7, balance: 100 }))

  test('with the same body gives the first answer again and changes nothing', async () => {
    const first = await change(-10, { key: 'once' })
    await change(5)
    const again = await change(-10, { key: 'once' })
    expect(first.headers).not.toHaveProperty('idempotency-replayed')
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect([again.statusCode, again.body]).toEqual([200, first.body])
    expect(await balances()).toEqual([95])
  })

  test('with another body, or for another user, is 422 idempotency_key_reused', async () => {
    await post({ user_id: 8, balance: 100 })
    await change(-10, { key: 'once' })
    for (const answer of [await change(-11, { key: 'once' }), await change(-10, { key: 'once', user: 8 })]) {
      expect(answer.statusCode).toBe(422)
      expect(answer.json()).toMatchObject({
        code: 'idempotency_key_reused',
        errors: [{ in: 'header', field: 'idempotency-key' }],
      })
    }
    expect(await balances()).toEqual([90, 100])
  })

  test('sent by many at once, to two instances, is one change and one answer', async () => {
    const other = await service.newApp()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => change(-10, { key: 'once', app: i % 2 ? other : service.app })),
    )
    await other.close()
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(19)
    expect(await balances()).toEqual([90])
  })

  test('is remembered by the next instance after a restart', async () => {
    const first = await change(-10, { key: 'once' })
    const restarted = await service.newApp()
    const again = await change(-10, { key: 'once', app: restarted })
    await restarted.close()
    expect([again.statusCode, again.body]).toEqual([200, first.body])
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(await balances()).toEqual([90])
  })

  test('gives a refusal again too, also where it could be granted by now', async () => {
    const refused = await change(-101, { key: 'once' })
    await change(50)
    const again = await change(-101, { key: 'once' })
    expect([refused.statusCode, again.statusCode]).toEqual([422, 422])
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(again.json().detail).toBe(refused.json().detail)
    expect(await balances()).toEqual([150])
  })

  test('is not taken by a request that was never understood', async () => {
    expect((await change(0, { key: 'once' })).statusCode).toBe(400)
    const answer = await change(-10, { key: 'once' })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).not.toHaveProperty('idempotency-replayed')
  })

  test('is forgotten after its retention, and only then', async () => {
    await change(-10, { key: 'old' })
    await sql`update idempotency_keys set created_at = now() - interval '25 hours'`.execute(service.db)
    await change(-10, { key: 'new' })
    expect(await forgetIdempotencyKeysOnce(service.db, 24 * 3_600_000)).toBe(1)
    expect((await change(-10, { key: 'old' })).headers).not.toHaveProperty('idempotency-replayed')
    expect((await change(-10, { key: 'new' })).headers['idempotency-replayed']).toBe('true')
    expect(await balances()).toEqual([70])
  })
})

describe('lists', () => {
  async function pages(url: string): Promise<Record<string, unknown>[][]> {
    const pages = []
    for (let next: string | undefined = url; next !== undefined; ) {
      const answer = await get(next)
      expect(answer.statusCode).toBe(200)
      pages.push(answer.json())
      next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1]
    }
    return pages
  }

  test('of accounts come in pages that stay what they were while accounts are opened', async () => {
    for (const user_id of [10, 20, 30, 40, 50]) await post({ user_id })
    const first = await get('/users?limit=2')
    await post({ user_id: 5 })
    await post({ user_id: 35 })
    const rest = await pages(/<([^>]+)>/.exec(String(first.headers.link))?.[1] ?? '')
    expect([first.json(), ...rest].flat().map(({ user_id }) => user_id)).toEqual([10, 20, 30, 35, 40, 50])
  })

  test('of the ledger come newest first, add up to the balance, and end', async () => {
    await post({ user_id: 7, balance: 1 })
    await post({ user_id: 8, balance: 1 })
    for (const by of [2, -1, 3, 0.5]) {
      await change(by)
      await change(by, { user: 8 })
    }
    const all = (await pages('/users/7/ledger?limit=2')).flat()
    expect(all.map(({ kind, amount, balance_after }) => [kind, amount, balance_after])).toEqual([
      ['deposit', 0.5, 5.5],
      ['deposit', 3, 5],
      ['withdrawal', -1, 2],
      ['deposit', 2, 3],
      ['opening', 1, 1],
    ])
    expect(all[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      user_id: 7,
      kind: 'deposit',
      amount: 0.5,
      balance_after: 5.5,
      created_at: expect.stringMatching(/Z$/),
    })
    const [exact] = await pages('/users/7/ledger?limit=5')
    expect(exact).toHaveLength(5)
  })

  test('of the ledger of nobody is 404', async () => {
    expect((await get('/users/7/ledger')).json()).toMatchObject({ status: 404, code: 'account_not_found' })
  })
})
