import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  countAll,
  findBrokenLedgers,
  handleTasks,
  listeningLog,
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
      await service.address.asOwner(`
        create function fail() returns trigger language plpgsql as
        $$ begin raise exception 'made to fail' using errcode = '40001'; end $$;
        create trigger fail after ${act} on ${table} for each row execute function fail()`)

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

      await service.address.asOwner('drop function fail cascade')
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
