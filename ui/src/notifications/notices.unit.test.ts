import { describe, expect, it } from 'vitest'
import { anEvent } from '../orders/order.fixture.ts'
import { noticeOf } from './notices.ts'

const money = (amount: number) => `$${amount.toFixed(2)}`

describe('a notice', () => {
  it('names one order, and says in plain words why it was cancelled', () => {
    expect(noticeOf([anEvent({ status: 'FINISHED' })], money)).toMatchObject({
      words: 'Order of $10.50 finished',
      orderId: '01980000-0000-7000-8000-000000000001',
    })
    const declined = anEvent({ status: 'CANCELLED', reason: 'insufficient_funds' })
    expect(noticeOf([declined], money)?.detail).toBe('The balance of account 7 did not cover it.')
  })

  it('counts many instead of telling each', () => {
    const events = [anEvent(), anEvent(), anEvent({ status: 'CANCELLED', reason: 'insufficient_funds' })]
    expect(noticeOf(events, money)).toMatchObject({
      words: '3 orders settled',
      detail: '2 finished, 1 cancelled.',
      orderId: undefined,
    })
  })

  it('is not made of nothing', () => expect(noticeOf([], money)).toBeUndefined())
})
