import fc from 'fast-check'
import { sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
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

describe('all or nothing', () => {
  test.each([
    ['inbox', 'insert'],
    ['payments', 'insert'],
    ['ledger_entries', 'insert'],
    ['accounts', 'update'],
    ['outbox', 'insert'],
  ])(
    'where the %s %s fails nothing of the others is there, and all of it once it works',
    async (table, act) => {
      const user = await service.newUser(10_000n)
      const messages = [1, 2, 3].map(amount => taskMessage({ user_id: user, amount }))
      await sql
        .raw(`create function fail() returns trigger language plpgsql as
            $$ begin raise exception 'made to fail' using errcode = '40001'; end $$;
            create trigger fail after ${act} on ${table} for each row execute function fail()`)
        .execute(service.db)

      const stopping = new AbortController()
      const log = listeningLog()
      log.warn.mockImplementation(() => stopping.abort(new Error('stopped')))
      await expect(handleTasks(service.db, messages, { log }, stopping.signal)).rejects.toThrow()
      expect(log.warn).toHaveBeenCalledOnce()
      expect(await countAll(service.db)).toEqual({
        inbox: 0,
        payments: 0,
        debits: 0,
        results: 0,
        dead_letters: 0,
      })
      expect(await service.balanceOf(user)).toBe(10_000n)
      expect(await findBrokenLedgers(service.db)).toEqual([])

      await sql.raw('drop function fail cascade').execute(service.db)
      await handleTasks(service.db, messages)
      expect(await countAll(service.db)).toMatchObject({ inbox: 3, payments: 3, results: 3 })
      expect(await service.balanceOf(user)).toBe(9_400n)
      expect(await findBrokenLedgers(service.db)).toEqual([])
    },
  )
})

describe('repeats', () => {
  test('a task delivered twice, in one batch and again later, is paid once', async () => {
    const user = await service.newUser(10_000n)
    const message = taskMessage({ user_id: user, amount: 10 })
    await handleTasks(service.db, [message, message])
    await handleTasks(service.db, [message])
    expect(await service.balanceOf(user)).toBe(9_000n)
    expect(await service.paymentsOf(message.orderId)).toHaveLength(1)
    expect(await service.resultsOf(message.orderId)).toHaveLength(1)
  })

  test('two consumers at once that get the same tasks pay each once', async () => {
    const users = [
      await service.newUser(100_000n),
      await service.newUser(100_000n),
      await service.newUser(0n),
    ]
    const messages = Array.from({ length: 60 }, (_, i) =>
      taskMessage({ user_id: users[i % 3] as number, amount: 1 }),
    )
    // Different batches of the same messages, as after a rebalance.
    await Promise.all([
      handleTasks(service.db, messages),
      handleTasks(service.db, messages.slice(0, 30)).then(() => handleTasks(service.db, messages.slice(30))),
      handleTasks(service.db, messages.toReversed()),
    ])
    expect(await countAll(service.db)).toMatchObject({ inbox: 60, payments: 60, results: 60 })
    expect(await Promise.all(users.map(service.balanceOf))).toEqual([98_000n, 98_000n, 0n])
    expect(await findBrokenLedgers(service.db)).toEqual([])
  })

  test('a second task of an order under another event id is left out, and told of where it asks for something else', async () => {
    const user = await service.newUser(10_000n)
    const other = await service.newUser(10_000n)
    const order_id = uuidv7()
    const log = listeningLog()
    await handleTasks(
      service.db,
      [
        taskMessage({ order_id, user_id: user, amount: 10 }),
        taskMessage({ order_id, user_id: user, amount: 10 }),
      ],
      { log },
    )
    expect(log.warn).not.toHaveBeenCalled()
    await handleTasks(
      service.db,
      [
        taskMessage({ order_id, user_id: user, amount: 20 }),
        taskMessage({ order_id, user_id: other, amount: 10 }),
      ],
      { log },
    )
    expect(log.warn).toHaveBeenCalledTimes(2)
    expect(await service.balanceOf(user)).toBe(9_000n)
    expect(await service.balanceOf(other)).toBe(10_000n)
    expect(await service.paymentsOf(order_id)).toHaveLength(1)
    expect(await service.resultsOf(order_id)).toHaveLength(1)
  })
})

describe('races of two consumers about one order under two event ids', () => {
  /** Handles `first` in a transaction that stays open until the second waits for it. */
  async function race(first: ReturnType<typeof taskMessage>, second: ReturnType<typeof taskMessage>) {
    const log = listeningLog()
    const held = Promise.withResolvers<void>()
    const waiting = Promise.withResolvers<void>()
    const slow = service.db.transaction().execute(async trx => {
      const definition = debitAccountsConsumer({ log, clock: () => new Date(), afterCommit: () => undefined })
      const decoded = definition.decode(first)
      if (!decoded.ok) throw new Error(decoded.reason)
      await definition.handle(trx, [{ eventId: uuidv7(), payload: decoded.payload, source: first }])
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
})
