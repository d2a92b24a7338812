import { amountMinorMax } from 'edge/money'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSettled, makeOrder, type Order, type PaymentResult, settle } from './order.ts'

const now = new Date('2026-01-31T12:00:00Z')
const later = new Date('2026-01-31T12:00:01Z')
const command = { userId: 7, amountMinor: 1050n, description: 'Two books' }
const { order: placed } = makeOrder(command, { id: 'order', now })
const about = { orderId: 'order', userId: 7, amountMinor: 1050n }
const success: PaymentResult = { ...about, status: 'SUCCESS' }
const failed: PaymentResult = { ...about, status: 'FAILED', reason: 'insufficient_funds' }

test('a placed order is NEW, and carries what was asked for', () => {
  expect(makeOrder(command, { id: 'order', now })).toEqual({
    type: 'OrderPlaced',
    order: { ...command, id: 'order', status: 'NEW', createdAt: now, updatedAt: now },
  })
})

describe('settling', () => {
  test('a paid order is finished', () => {
    expect(settle(placed, success, later)).toEqual({
      kind: 'settled',
      event: { type: 'OrderFinished', order: { ...placed, status: 'FINISHED', updatedAt: later } },
    })
  })

  test('a declined order is cancelled, with the reason', () => {
    expect(settle(placed, failed, later)).toEqual({
      kind: 'settled',
      event: {
        type: 'OrderCancelled',
        order: { ...placed, status: 'CANCELLED', reason: 'insufficient_funds', updatedAt: later },
      },
    })
  })

  test('an order that waits for its payment is open too', () => {
    const waiting: Order = { ...placed, status: 'PENDING_PAYMENT' }
    expect(settle(waiting, success, later)).toMatchObject({ event: { order: { status: 'FINISHED' } } })
  })

  test('an order that nobody knows cannot be settled', () => {
    expect(settle(undefined, success, later)).toEqual({ kind: 'unknown_order' })
  })

  test.each([{ userId: 8 }, { amountMinor: 1051n }])(
    'a result of another order, with %o, settles nothing',
    other => {
      expect(settle(placed, { ...success, ...other }, later)).toEqual({ kind: 'mismatched' })
    },
  )

  test('another reason for the same end is no contradiction', () => {
    const outcome = settle(placed, failed, later)
    const cancelled = outcome.kind === 'settled' ? outcome.event.order : undefined
    expect(settle(cancelled, { ...failed, reason: 'account_not_found' }, later)).toEqual({
      kind: 'already_settled',
    })
  })

  const anyResult = fc.oneof(
    fc.constant(success),
    fc.constant(failed),
    fc.constant<PaymentResult>({ ...failed, reason: 'account_not_found' }),
    fc.record({ amountMinor: fc.bigInt(1n, amountMinorMax) }).map(other => ({ ...success, ...other })),
  )

  test('the first fitting result decides, and whatever follows changes nothing', () => {
    fc.assert(
      fc.property(fc.array(anyResult), results => {
        let order: Order = placed
        const events = []
        for (const result of results) {
          const outcome = settle(order, result, later)
          if (outcome.kind !== 'settled') continue
          events.push(outcome.event)
          order = outcome.event.order
        }
        const first = results.find(({ amountMinor }) => amountMinor === placed.amountMinor)
        expect(events).toHaveLength(first ? 1 : 0)
        expect(isSettled(order)).toBe(first !== undefined)
        if (first) expect(order.status).toBe(first.status === 'SUCCESS' ? 'FINISHED' : 'CANCELLED')
      }),
    )
  })

  test('a second result is told as the same news or as a contradiction', () => {
    fc.assert(
      fc.property(fc.constantFrom(success, failed), fc.constantFrom(success, failed), (first, second) => {
        const outcome = settle(placed, first, later)
        const order = outcome.kind === 'settled' ? outcome.event.order : undefined
        expect(settle(order, second, later).kind).toBe(
          first.status === second.status ? 'already_settled' : 'contradicting',
        )
      }),
    )
  })
})
