import { afterAll, beforeAll, expect, test } from 'vitest'
import { countPackets } from '../../messaging/src/round-trips-fixture.ts'
import * as orders from '../../orders-service/src/test-service.ts'
import * as payments from '../../payments-service/src/test-service.ts'

let ordersService: orders.TestService
let paymentsService: payments.TestService
beforeAll(async () => {
  ;[ordersService, paymentsService] = await Promise.all([
    orders.openTestService(),
    payments.openTestService(),
  ])
  // With one connection, none is opened in between.
  for (const { pool } of [ordersService, paymentsService]) pool.options.max = 1
})
afterAll(() => Promise.all([ordersService?.close(), paymentsService?.close()]))

/** Of the second time: the first one opens the connection. */
async function roundTripsOf(
  { pool }: Pick<orders.TestService, 'pool'>,
  act: (time: number) => Promise<unknown>,
): Promise<number> {
  await act(1)
  const packets = countPackets(pool)
  await act(2)
  return packets()
}

test('an order is placed in one round trip, and with an idempotency key in two', async () => {
  expect(await roundTripsOf(ordersService, () => ordersService.place())).toBe(1)
  const placeWithKey = (time: number) =>
    ordersService.post({ user_id: 7, amount: 1 }, { 'idempotency-key': `round-trip-${time}` })
  expect(await roundTripsOf(ordersService, placeWithKey)).toBe(2)
})

test('orders that come together share the round trip', async () => {
  const placeTen = () => Promise.all(Array.from({ length: 10 }, () => ordersService.place()))
  expect(await roundTripsOf(ordersService, placeTen)).toBe(1)
})

test.each([1, 500])('a batch of %i results is settled in two round trips', async size => {
  const batches = await Promise.all(
    [1, 2].map(() => Promise.all(Array.from({ length: size }, () => ordersService.place()))),
  )
  const settle = (time: number) =>
    orders.handleResults(
      ordersService.db,
      batches[time - 1]!.map(order => orders.resultMessage(order, { status: 'SUCCESS' })),
    )
  expect(await roundTripsOf(ordersService, settle)).toBe(2)
})

test.each([1, 500])('a batch of %i tasks is paid in two round trips', async size => {
  const user = await paymentsService.newUser(1_000_000n)
  const pay = () =>
    payments.handleTasks(
      paymentsService.db,
      Array.from({ length: size }, () => payments.taskMessage({ user_id: user, amount: 1 })),
    )
  expect(await roundTripsOf(paymentsService, pay)).toBe(2)
})
