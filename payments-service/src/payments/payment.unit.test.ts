import { expect, test } from 'vitest'
import { makePayments, type ReceivedTask, separateRepeats } from './payment.ts'
import { statusUpdate } from './payment-events.ts'

const now = new Date('2026-01-31T12:00:00Z')
const task = (orderId: string, more: Partial<ReceivedTask> = {}): ReceivedTask => ({
  orderId,
  userId: 7,
  amountMinor: 1050n,
  eventId: `event of ${orderId}`,
  traceparent: undefined,
  ...more,
})

test('the first task of each order counts, in the order given; the others are repeats', () => {
  const a = task('a')
  const b = task('b')
  const aAgain = task('a', { eventId: 'other' })
  expect(separateRepeats(new Map(), [a, b, aAgain])).toEqual({
    first: [a, b],
    repeats: [{ task: aAgain, sameContent: true }],
  })
})

test('a task of an order that has a payment is a repeat, and it shows whether it asks for something else', () => {
  const paid = new Map([['a', task('a')]])
  const tasks = [task('a'), task('a', { amountMinor: 1n }), task('a', { userId: 8 })]
  expect(separateRepeats(paid, tasks).repeats.map(({ sameContent }) => sameContent)).toEqual([
    true,
    false,
    false,
  ])
})

test('a paid order is told with SUCCESS, keyed by its user, with the trace it came with', () => {
  const [payment] = makePayments(new Map([[7, 5000n]]), [task('a', { traceparent: '00-1-2-01' })], {
    now,
    newId: () => 'new',
  })
  expect(payment && statusUpdate(payment)).toEqual({
    type: 'PaymentCompleted',
    topic: 'payment_status_updates',
    key: '7',
    aggregateType: 'order',
    aggregateId: 'a',
    payload: {
      payment_id: 'new',
      order_id: 'a',
      user_id: 7,
      amount: 10.5,
      status: 'SUCCESS',
      timestamp: '2026-01-31T12:00:00.000Z',
    },
    headers: { traceparent: '00-1-2-01' },
  })
})

test('a declined order is told with FAILED and the reason', () => {
  const [poor, unknown] = makePayments(new Map([[7, 1n]]), [task('a'), task('b', { userId: 8 })], {
    now,
    newId: () => 'new',
  }).map(statusUpdate)
  expect(poor).toMatchObject({
    type: 'PaymentDeclined',
    payload: { status: 'FAILED', error: 'insufficient_funds' },
  })
  expect(poor).not.toHaveProperty('headers')
  expect(unknown).toMatchObject({ key: '8', payload: { status: 'FAILED', error: 'account_not_found' } })
})
