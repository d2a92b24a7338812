import { describe, expect, test } from 'vitest'
import { decodePaymentTask } from './payment-task.ts'

const orderId = '019aa5c1-1f60-7b0e-8f6d-5a7e3c9d2b14'
const decode = (text: string | Buffer | null) =>
  decodePaymentTask({ value: typeof text === 'string' ? Buffer.from(text) : text })
const task = (fields: string) => decode(`{"order_id":"${orderId}","user_id":7,${fields}}`)

describe('a payment task is read', () => {
  test.each([
    ['10', 1000n],
    ['10.5', 1050n],
    ['10.50', 1050n],
    ['1e1', 1000n],
    ['0.01', 1n],
    ['0.07', 7n],
    ['4.35', 435n],
    ['9999999999.99', 999_999_999_999n],
  ])('with the amount %s', (amount, amountMinor) => {
    expect(task(`"amount":${amount},"description":"Two books"`)).toEqual({
      ok: true,
      id: orderId,
      payload: { orderId, userId: 7, amountMinor },
    })
  })

  test('with fields that nobody knows, and with no description or any', () => {
    for (const fields of [
      '',
      ',"currency":"USD","nested":{"a":[1]}',
      ',"description":null',
      ',"description":7',
    ]) {
      expect(task(`"amount":1${fields}`)).toMatchObject({ ok: true, payload: { amountMinor: 100n } })
    }
  })

  test('with one spelling of its order id', () => {
    expect(decode(`{"order_id":"${orderId.toUpperCase()}","user_id":7,"amount":1}`)).toMatchObject({
      id: orderId,
      payload: { orderId },
    })
  })

  test('with the largest user id', () => {
    expect(decode(`{"order_id":"${orderId}","user_id":9007199254740991,"amount":1}`)).toMatchObject({
      payload: { userId: 2 ** 53 - 1 },
    })
  })
})

describe('a payment task is refused with the reason', () => {
  const id = `"order_id":"${orderId}"`
  test.each<[string, string | Buffer | null, RegExp]>([
    ['no value', null, /empty/],
    ['an empty value', '', /empty/],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not JSON.*UTF-8/],
    ['not JSON', '{"order_id":', /not JSON/],
    ['lists nested too deeply', `${'['.repeat(100_000)}1e1${']'.repeat(100_000)}`, /nested/],
    ['a list', '[]', /object/],
    ['null', 'null', /object/],
    ['a number', '10', /object/],
    ['__proto__', `{"__proto__":{},${id},"user_id":7,"amount":1}`, /__proto__/],
    ['no order id', '{"user_id":7,"amount":1}', /order_id/],
    ['an order id that is no UUID', '{"order_id":"17","user_id":7,"amount":1}', /order_id/],
    ['a number as order id', '{"order_id":17,"user_id":7,"amount":1}', /order_id/],
    ['no user id', `{${id},"amount":1}`, /user_id/],
    ['text as user id', `{${id},"user_id":"7","amount":1}`, /user_id/],
    ['a user id of 0', `{${id},"user_id":0,"amount":1}`, /user_id/],
    ['a broken user id', `{${id},"user_id":1.5,"amount":1}`, /user_id/],
    ['a user id past the largest', `{${id},"user_id":9007199254740993,"amount":1}`, /user_id/],
    ['no amount', `{${id},"user_id":7}`, /amount/],
    ['null as amount', `{${id},"user_id":7,"amount":null}`, /amount/],
    ['text as amount', `{${id},"user_id":7,"amount":"10"}`, /amount/],
    ['three fraction digits', `{${id},"user_id":7,"amount":1.005}`, /fraction/],
    ['digits that a double would lose', `{${id},"user_id":7,"amount":0.1000000000000000001}`, /fraction/],
    ['an amount of 0', `{${id},"user_id":7,"amount":0}`, /between/],
    ['a negative amount', `{${id},"user_id":7,"amount":-1}`, /between/],
    ['an amount past the limit', `{${id},"user_id":7,"amount":10000000000}`, /between/],
    ['1e400', `{${id},"user_id":7,"amount":1e400}`, /amount/],
  ])('%s', (_, value, reason) => {
    expect(decode(value)).toEqual({ ok: false, reason: expect.stringMatching(reason) })
  })
})
