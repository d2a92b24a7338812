import { PaymentTaskRead } from 'edge/contracts/consumers'
import { differences, missedByGateway, missedByReaders } from 'edge/contracts/contract-fixture'
import { testDecoder } from 'edge/contracts/decoder-suite'
import { openLog } from 'edge/log'
import { openDatabase, openPool } from 'edge/postgres'
import { describe, expect, test } from 'vitest'
import { createPaymentsApp } from './app.ts'
import type { Payment } from './payments/payment.ts'
import { statusUpdate } from './payments/payment-events.ts'
import { decodePaymentTask } from './payments/payment-task.ts'

const id = '019aa5c1-1f60-7b0e-8f6d-5a7e3c9d2b14'
const task = { orderId: id, userId: 7, amountMinor: 1050n, eventId: id, traceparent: undefined }
const about = { id, task, createdAt: new Date('2026-01-31T12:00:00Z') }
const payments: Payment[] = [
  { ...about, status: 'COMPLETED', entryId: id, balanceAfterMinor: 0n },
  { ...about, status: 'DECLINED', reason: 'insufficient_funds' },
]

describe('what others read of our messages', () => {
  test('is what our schemas promise', () => expect(missedByReaders('payments-service')).toEqual([]))

  test.each(payments.map(statusUpdate))('is in what we publish: $type', ({ topic, type, payload }) => {
    expect(differences(topic, { type, payload })).toEqual([])
  })
})

test('what the gateway uses of our answers is what our document promises', async () => {
  const pool = openPool({ host: '', port: 1, database: '', user: '', password: '' }, 'never-connected', 4)
  const app = await createPaymentsApp({
    db: openDatabase(pool),
    transport: { ping: async () => undefined, lag: async () => 0 },
    log: openLog('test', { LOG_LEVEL: 'silent', LOG_PRETTY: false }),
  })
  await app.ready()
  expect(missedByGateway('payments', app.swagger())).toEqual([])
  await app.close()
})

testDecoder('order_payment_tasks', decodePaymentTask, PaymentTaskRead)
