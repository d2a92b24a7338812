import fc from 'fast-check'
import { sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  countAll,
  findBrokenLedgers,
  handleTasks,
  openTestService,
  type TestService,
  taskMessage,
} from '../test-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())
beforeEach(() => service.empty())

describe('one order', () => {
  test('is paid: balance, ledger entry, payment and result say the same', async () => {
    const user = await service.newUser(10_000n)
    const message = taskMessage({ user_id: user, amount: 10.5, description: 'Two books' })
    await handleTasks(service.db, [message])

    expect(await service.balanceOf(user)).toBe(8_950n)
    const [payment] = await service.paymentsOf(message.orderId)
    expect(payment).toMatchObject({
      amount_minor: 1050n,
      status: 'COMPLETED',
      reason: null,
      task_event_id: message.headers.ce_id,
    })
    const [entry] = await service.db
      .selectFrom('ledger_entries')
      .selectAll()
      .where('order_id', '=', message.orderId)
      .execute()
    expect(entry).toMatchObject({ kind: 'payment', amount_minor: -1050n, balance_after_minor: 8_950n })
    expect(await service.resultsOf(message.orderId)).toEqual([
      {
        key: String(user),
        payload: {
          payment_id: payment?.id,
          order_id: message.orderId,
          user_id: user,
          amount: 10.5,
          status: 'SUCCESS',
          timestamp: payment?.created_at.toISOString(),
        },
      },
    ])
  })

  test('of a short balance is declined and recorded, and the balance stays', async () => {
    const user = await service.newUser(1_000n)
    const message = taskMessage({ user_id: user, amount: 10.01 })
    await handleTasks(service.db, [message])
    expect(await service.balanceOf(user)).toBe(1_000n)
    expect(await service.paymentsOf(message.orderId)).toMatchObject([
      { status: 'DECLINED', reason: 'insufficient_funds' },
    ])
    expect(await service.resultsOf(message.orderId)).toMatchObject([
      { payload: { status: 'FAILED', error: 'insufficient_funds' } },
    ])
    expect(await countAll(service.db)).toMatchObject({ debits: 0 })
  })

  test('of a user without an account is declined and recorded', async () => {
    const message = taskMessage({ user_id: 2 ** 53 - 1, amount: 10 })
    await handleTasks(service.db, [message])
    expect(await service.paymentsOf(message.orderId)).toMatchObject([
      { status: 'DECLINED', reason: 'account_not_found' },
    ])
    expect(await service.resultsOf(message.orderId)).toMatchObject([
      { key: String(2 ** 53 - 1), payload: { status: 'FAILED', error: 'account_not_found' } },
    ])
  })
})

describe('batches', () => {
  test('many orders of one account are decided in turn, some affordable only because others were declined', async () => {
    const user = await service.newUser(10_000n)
    const messages = [60, 50, 40, 0.01].map(amount => taskMessage({ user_id: user, amount }))
    await handleTasks(service.db, messages)
    const decided = await Promise.all(messages.map(({ orderId }) => service.paymentsOf(orderId)))
    expect(decided.flat().map(({ status }) => status)).toEqual([
      'COMPLETED',
      'DECLINED',
      'COMPLETED',
      'DECLINED',
    ])
    expect(await service.balanceOf(user)).toBe(0n)
  })

  test('however they are cut, the real statements decide as a one-at-a-time model does', async () => {
    const tasks = fc.array(
      fc.record({ user: fc.integer({ min: 0, max: 3 }), cents: fc.integer({ min: 1, max: 20_000 }) }),
      { minLength: 1, maxLength: 40 },
    )
    const openings = fc.array(fc.bigInt({ min: 0n, max: 30_000n }), { minLength: 3, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(openings, tasks, fc.integer({ min: 1, max: 40 }), async (opened, drawn, size) => {
        // The fourth user has no account.
        const users = [...(await Promise.all(opened.map(service.newUser))), 8_000_000_000]
        const messages = drawn.map(({ user, cents }) =>
          taskMessage({ user_id: users[user] as number, amount: cents / 100 }),
        )
        for (let i = 0; i < messages.length; i += size)
          await handleTasks(service.db, messages.slice(i, i + size))

        const left = [...opened]
        for (const [i, { user, cents }] of drawn.entries()) {
          const balance = left[user]
          const expected =
            balance === undefined
              ? 'account_not_found'
              : balance < BigInt(cents)
                ? 'insufficient_funds'
                : null
          if (expected === null) left[user] = (balance as bigint) - BigInt(cents)
          expect(await service.paymentsOf(messages[i]?.orderId ?? '')).toMatchObject([{ reason: expected }])
        }
        expect(await Promise.all(users.slice(0, 3).map(service.balanceOf))).toEqual(left)
        expect(await findBrokenLedgers(service.db)).toEqual([])
      }),
      { numRuns: 15 },
    )
  })

  test('cost the same statements for one message and for 500', async () => {
    const users = await Promise.all(Array.from({ length: 20 }, () => service.newUser(1_000_000n)))
    const handled = async (count: number) => {
      const messages = Array.from({ length: count }, (_, i) =>
        taskMessage({ user_id: users[i % users.length] as number, amount: 1 }),
      )
      const before = service.statements.length
      await handleTasks(service.db, messages)
      return service.statements.slice(before)
    }
    const one = await handled(1)
    const many = await handled(500)
    expect(many).toEqual(one)
    // The four of this service; the rest are the engine's: begin, inbox, keys, commit.
    expect(many.filter(text => /accounts|payments|into outbox/.test(text))).toHaveLength(4)
    expect(await countAll(service.db)).toMatchObject({
      payments: 501,
      debits: 501,
      results: 501,
    })
  })
})

describe('messages as other programs send them', () => {
  test('no headers, no key, other fields: paid once, and the result is keyed by the user', async () => {
    const user = await service.newUser(10_000n)
    const order_id = uuidv7()
    const sent = (amount: string) => ({
      value: Buffer.from(
        `{"order_id":"${order_id.toUpperCase()}","user_id":${user},"amount":${amount},"currency":"USD","items":[{}]}`,
      ),
      headers: {},
      key: null,
    })
    for (const amount of ['10.5', '10.50', '10.5'])
      await handleTasks(service.db, [taskMessage({ user_id: user, amount: 0 }, sent(amount))])
    expect(await service.balanceOf(user)).toBe(8_950n)
    expect(await service.resultsOf(order_id)).toMatchObject([
      { key: String(user), payload: { order_id, amount: 10.5 } },
    ])
    expect(await service.paymentsOf(order_id)).toMatchObject([{ task_event_id: order_id }])
  })

  test('what cannot be decoded is parked with its reason, and other users go on', async () => {
    const user = await service.newUser(10_000n)
    const bytes = Buffer.from([0, 255])
    await handleTasks(service.db, [
      taskMessage({ user_id: 1, amount: 1 }, { value: bytes, key: 'broken' }),
      taskMessage({ user_id: 1, amount: 1 }, { value: null, key: null, headers: {} }),
      taskMessage({ user_id: 1, amount: 1.005 }, { key: null }),
      taskMessage({ user_id: user, amount: 1 }),
    ])
    expect(await countAll(service.db)).toMatchObject({ payments: 1, results: 1, dead_letters: 3 })
    const { rows } = await sql<{ reason: string }>`select reason from dead_letters order by id`.execute(
      service.db,
    )
    expect(rows.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('UTF-8'),
      expect.stringContaining('empty'),
      expect.stringContaining('fraction digits'),
    ])
    expect(await service.balanceOf(user)).toBe(9_900n)
  })
})
