import fc from 'fast-check'
import { type RawBuilder, sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openAccount } from '../accounts/open-account.ts'
import {
  countAll,
  findBrokenLedgers,
  handleTasks,
  listeningLog,
  openTestService,
  type TestService,
  taskMessage,
} from '../test-service.ts'
import { debitAccountsConsumer } from './debit-accounts.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())
beforeEach(() => service.empty())

describe('races of two consumers about one order under two event ids', () => {
  /** Handles `first` in a transaction that stays open until the second waits for it. */
  async function race(first: ReturnType<typeof taskMessage>, second: ReturnType<typeof taskMessage>) {
    const log = listeningLog()
    const held = Promise.withResolvers<void>()
    const waiting = Promise.withResolvers<void>()
    const slow = service.db.transaction().execute(async trx => {
      const definition = debitAccountsConsumer({ log, clock: () => new Date() })
      const decoded = definition.decode(first)
      if (!decoded.ok) throw new Error(decoded.reason)
      const messages = [{ eventId: uuidv7(), payload: decoded.payload, source: first }]
      await definition.handle(trx, messages, await definition.lock!(trx, messages))
      await sql`select 'what travels with the next statement'`.execute(trx)
      held.resolve()
      await waiting.promise
    })
    await held.promise
    const fast = handleTasks(service.db, [second], { log })
    await vi.waitFor(async () => {
      const { rows } = await sql`select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(service.db)
      expect(rows).toHaveLength(1)
    })
    waiting.resolve()
    await Promise.all([slow, fast])
    return log.warn.mock.calls.map(([, message]) => message)
  }

  test('of one user: the second waits for the account and then sees the payment, with nothing to run again', async () => {
    const user = await service.newUser(10_000n)
    const first = taskMessage({ user_id: user, amount: 10 })
    expect(await race(first, taskMessage({ order_id: first.orderId, user_id: user, amount: 10 }))).toEqual([])
    expect(await service.balanceOf(user)).toBe(9_000n)
    expect(await service.paymentsOf(first.orderId)).toHaveLength(1)
    expect(await service.resultsOf(first.orderId)).toHaveLength(1)
  })

  test('of two users: the second loses the race for the payment, is undone whole and run again', async () => {
    const [user, other] = [await service.newUser(10_000n), await service.newUser(10_000n)]
    const first = taskMessage({ user_id: user, amount: 10 })
    expect(await race(first, taskMessage({ order_id: first.orderId, user_id: other, amount: 10 }))).toEqual([
      expect.stringContaining('trying again'),
      expect.stringContaining('decided before'),
    ])
    expect(await service.balanceOf(user)).toBe(9_000n)
    expect(await service.balanceOf(other)).toBe(10_000n)
    expect(await service.paymentsOf(first.orderId)).toHaveLength(1)
    expect(await service.resultsOf(first.orderId)).toHaveLength(1)
  })

  test('of a user without an account: one decision', async () => {
    const first = taskMessage({ user_id: 999_999, amount: 10 })
    await race(first, taskMessage({ order_id: first.orderId, user_id: 999_999, amount: 10 }))
    expect(await service.paymentsOf(first.orderId)).toMatchObject([{ reason: 'account_not_found' }])
    expect(await service.resultsOf(first.orderId)).toHaveLength(1)
  })

  test('many consumers, few accounts, orders told twice: nothing is lost, doubled or stuck', async () => {
    const users = await Promise.all(Array.from({ length: 5 }, () => service.newUser(2_000n)))
    const orders = Array.from({ length: 100 }, (_, i) => {
      const order_id = uuidv7()
      const content = { order_id, user_id: users[i % 5] as number, amount: 1 + (i % 3) }
      // The same order under two event ids, and every tenth of them for another user the second time.
      const again = i % 10 === 0 ? { ...content, user_id: users[(i + 1) % 5] as number } : content
      return [taskMessage(content), taskMessage(again)]
    }).flat()
    const shuffled = fc.sample(fc.shuffledSubarray(orders, { minLength: orders.length }), 4)
    await Promise.all(
      shuffled.map(async messages => {
        for (let i = 0; i < messages.length; i += 25) await handleTasks(service.db, messages.slice(i, i + 25))
      }),
    )
    expect(await countAll(service.db)).toMatchObject({ inbox: 200, payments: 100, results: 100 })
    expect(await findBrokenLedgers(service.db)).toEqual([])
  })

  test('orders in several consumers, deposits and withdrawals of the same accounts at once: every cent is accounted for', async () => {
    const users = await Promise.all([100_000n, 5_000n].map(service.newUser))
    const batches = Array.from({ length: 12 }, (_, batch) =>
      Array.from({ length: 20 }, (_, i) =>
        taskMessage({ user_id: users[(batch + i) % 2] as number, amount: 3 }),
      ),
    )
    const changes = Array.from({ length: 40 }, (_, i) => ({
      method: 'PATCH' as const,
      url: `/users/${users[i % 2]}`,
      payload: { balance_change: i % 4 < 2 ? 7 : -5 },
    }))
    const log = listeningLog()
    const [answers] = await Promise.all([
      Promise.all(changes.map(change => service.app.inject(change))),
      ...batches.map(messages => handleTasks(service.db, messages, { log })),
    ])
    expect(answers.every(({ statusCode }) => statusCode === 200 || statusCode === 422)).toBe(true)
    expect(await countAll(service.db)).toMatchObject({ inbox: 240, payments: 240, results: 240 })
    expect(await findBrokenLedgers(service.db)).toEqual([])
    // Locks are taken in one order by all, so nobody was a deadlock's victim and had to try again.
    expect(log.warn).not.toHaveBeenCalled()
  })

  describe('locks are taken in one order by all, so that no two wait in a circle', () => {
    /** Runs `take` in a transaction of its own that holds what it takes until `meanwhile` is over. */
    const holding = (take: RawBuilder<unknown>, meanwhile: () => Promise<void>) =>
      service.db.transaction().execute(async trx => {
        await take.execute(trx)
        await meanwhile()
      })
    /** Whether it can be had at once. */
    const isFree = (take: RawBuilder<unknown>) =>
      service.db
        .transaction()
        .execute(async trx => {
          await sql`set local lock_timeout = '50ms'`.execute(trx)
          await take.execute(trx)
          throw new Error('free')
        })
        .catch(error => error.message === 'free')
    const untilWaiting = () =>
      expect
        .poll(async () => {
          const { rows } = await sql`select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`.execute(service.db)
          return rows.length
        })
        .toBe(1)

    test('accounts by user id, however they lie in the table and stand in the batch', async () => {
      const lock = (userId: number) => sql`select from accounts where user_id = ${userId} for update`
      for (const userId of [9_002, 9_001]) await openAccount(service.db, { userId, balanceMinor: 500n })
      const messages = [9_002, 9_001].map(user_id => taskMessage({ user_id, amount: 1 }))
      let handled: Promise<unknown> | undefined
      await holding(lock(9_001), async () => {
        handled = handleTasks(service.db, messages)
        await untilWaiting()
        expect(await isFree(lock(9_002))).toBe(true)
      })
      await handled
      expect(await countAll(service.db)).toMatchObject({ payments: 2 })
    })

    test('payments by order id, however they stand in the batch', async () => {
      const pay = (orderId: string) => sql`
        insert into payments (order_id, id, user_id, amount_minor, status, reason, task_event_id, created_at)
        values (${orderId}, ${orderId}, 1, 1, 'DECLINED', 'account_not_found', 'other', now())
        on conflict do nothing`
      const [low, high] = [uuidv7(), uuidv7()]
      const messages = [high, low].map(order_id => taskMessage({ order_id, user_id: 9_009, amount: 1 }))
      let handled: Promise<unknown> | undefined
      await holding(pay(low), async () => {
        handled = handleTasks(service.db, messages)
        await untilWaiting()
        expect(await isFree(pay(high))).toBe(true)
      })
      await handled
      expect(await countAll(service.db)).toMatchObject({ payments: 2, results: 1 })
    })
  })
})
