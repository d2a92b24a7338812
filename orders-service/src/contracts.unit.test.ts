import { PaymentResultRead } from 'edge/contracts/consumers'
import { differences, missedByGateway, missedByReaders } from 'edge/contracts/contract-fixture'
import { testDecoder } from 'edge/contracts/decoder-suite'
import { openLog } from 'edge/log'
import { openDatabase, openPool } from 'edge/postgres'
import { describe, expect, test } from 'vitest'
import { createOrdersApp } from './app.ts'
import { makeOrder, type PaymentResult, settle } from './orders/order.ts'
import { paymentTask, statusUpdate } from './orders/order-events.ts'
import { decodePaymentResult } from './orders/payment-result.ts'

const now = new Date('2026-01-31T12:00:00Z')
const id = '019aa5c1-1f60-7b0e-8f6d-5a7e3c9d2b14'
const placed = makeOrder({ userId: 7, amountMinor: 1050n, description: null }, { id, now })
const about = { orderId: id, userId: 7, amountMinor: 1050n }

function settled(result: PaymentResult) {
  const outcome = settle(placed.order, result, now)
  if (outcome.kind !== 'settled') throw new Error(outcome.kind)
  return statusUpdate(outcome.event)
}

describe('what others read of our messages', () => {
  test('is what our schemas promise', () => expect(missedByReaders('orders-service')).toEqual([]))

  test.each([
    paymentTask(placed),
    settled({ ...about, status: 'SUCCESS' }),
    settled({ ...about, status: 'FAILED', reason: 'account_not_found' }),
  ])('is in what we publish: $type', ({ topic, type, payload }) => {
    expect(differences(topic, { type, payload })).toEqual([])
  })
})

test('what the gateway uses of our answers is what our document promises', async () => {
  const pool = openPool({ host: '', port: 1, database: '', user: '', password: '' }, 'never-connected', 4)
  const app = await createOrdersApp({
    db: openDatabase(pool),
    transport: { ping: async () => undefined, lag: async () => 0 },
    log: openLog('test', { LOG_LEVEL: 'silent', LOG_PRETTY: false }),
  })
  await app.ready()
  expect(missedByGateway('orders', app.swagger())).toEqual([])
  await app.close()
})

testDecoder('payment_status_updates', decodePaymentResult, PaymentResultRead)
