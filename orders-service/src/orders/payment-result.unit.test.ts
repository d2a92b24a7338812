import { describe, expect, test } from 'vitest'
import { decodePaymentResult, reasonOf } from './payment-result.ts'

const id = '01a1fdd4-1a09-76a7-8b7b-b830af894257'
const decode = (text: string) => decodePaymentResult({ value: Buffer.from(text) })
const result = (more: object) =>
  decode(JSON.stringify({ order_id: id, user_id: 7, amount: 10.5, status: 'SUCCESS', ...more }))
const about = { orderId: id, userId: 7, amountMinor: 1050n }

describe('a result is understood', () => {
  test('as our payments send it', () => {
    const sent = result({ payment_id: id, timestamp: '2026-01-31T12:00:00Z' })
    expect(sent).toEqual({ ok: true, id, payload: { ...about, status: 'SUCCESS' } })
    expect(result({ status: 'FAILED', error: 'account_not_found' })).toEqual({
      ok: true,
      id,
      payload: { ...about, status: 'FAILED', reason: 'account_not_found' },
    })
  })

  test('with fields that nobody knows, and without those that decide nothing', () => {
    expect(result({ fee: { currency: 'EUR' }, error: null })).toMatchObject({ ok: true })
  })

  test.each([
    ['10', 1000n],
    ['10.5', 1050n],
    ['10.50', 1050n],
    ['1.05e1', 1050n],
    ['0.01', 1n],
    ['9999999999.99', 999_999_999_999n],
  ])('with the amount written as %s', (amount, amountMinor) => {
    expect(decode(`{"order_id":"${id}","user_id":7,"amount":${amount},"status":"SUCCESS"}`)).toMatchObject({
      payload: { amountMinor },
    })
  })

  test('with the order id in capitals', () => {
    expect(result({ order_id: id.toUpperCase() })).toMatchObject({ id, payload: { orderId: id } })
  })
})

describe('a result is refused with a reason', () => {
  test.each([
    ['without order', { order_id: undefined }, /order_id/],
    ['with an order id that is no UUID', { order_id: 'ORD-1' }, /order_id/],
    ['without user', { user_id: undefined }, /user_id/],
    ['with a user in text', { user_id: '7' }, /user_id/],
    ['with user 0', { user_id: 0 }, /user_id/],
    ['with a broken user', { user_id: 1.5 }, /user_id/],
    ['with an amount in text', { amount: '10.50' }, /amount/],
    ['with three fraction digits', { amount: 10.505 }, /amount/],
    ['with amount 0', { amount: 0 }, /amount/],
    ['with a negative amount', { amount: -1 }, /amount/],
    ['past the limit', { amount: 10_000_000_000 }, /amount/],
    ['without status', { status: undefined }, /status/],
    ['with another status', { status: 'PENDING' }, /status/],
  ])('%s', (_case, more, reason) => {
    expect(result(more)).toEqual({ ok: false, reason: expect.stringMatching(reason) })
  })

  test.each(['', 'SUCCESS', '{', '[]', 'null', '"text"', '7'])('where its text is %j', text => {
    expect(decode(text)).toMatchObject({ ok: false })
  })

  test('where its amount is more than a number carries', () => {
    expect(decode(`{"order_id":"${id}","user_id":7,"amount":1e400,"status":"SUCCESS"}`)).toMatchObject({
      ok: false,
    })
  })

  test('where it has no value, or one that is not text', () => {
    expect(decodePaymentResult({ value: null })).toMatchObject({ ok: false })
    expect(decodePaymentResult({ value: Buffer.from([0xff, 0xfe, 0x00]) })).toMatchObject({ ok: false })
  })
})

test.each([
  ['insufficient_funds', 'insufficient_funds'],
  ['account_not_found', 'account_not_found'],
  ['Account 7 not found', 'account_not_found'],
  ['user does not exist', 'account_not_found'],
  ['no such account', 'account_not_found'],
  ['unknown user 7', 'account_not_found'],
  ['INSUFFICIENT BALANCE', 'insufficient_funds'],
  ['account 7 has not enough money', 'insufficient_funds'],
  ['timeout: host not found', 'insufficient_funds'],
  ['', 'insufficient_funds'],
  [undefined, 'insufficient_funds'],
  [null, 'insufficient_funds'],
  [{ code: 12 }, 'insufficient_funds'],
])('an error of %j cancels for %s', (error, reason) => {
  expect(reasonOf(error)).toBe(reason)
})
