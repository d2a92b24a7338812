import type { AgreedRow } from 'edge/integrity'
import { expect, test } from 'vitest'
import { compareRows } from './compare-rows.ts'

const row = (id: string, more: Partial<AgreedRow> = {}): AgreedRow => ({
  id,
  user_id: '7',
  amount_minor: '1050',
  outcome: 'COMPLETED',
  is_ours: true,
  ...more,
})
const found = (orders: AgreedRow[], payments: AgreedRow[]) =>
  compareRows(orders, payments).map(({ check, id }) => [check, id])

test('rows that agree, in any number, are no finding', () => {
  const declined = { outcome: 'DECLINED insufficient_funds' }
  expect(found([row('a'), row('b', declined)], [row('a'), row('b', declined)])).toEqual([])
})

test.each([
  ['outcome', { outcome: 'DECLINED insufficient_funds' }],
  ['amount', { amount_minor: '1051' }],
  ['user', { user_id: '8' }],
])('another %s is a finding', (_, other) => {
  expect(found([row('a')], [row('a', other)])).toEqual([['order_payment_differ', 'a']])
})

test('a row that only one side has is a finding', () => {
  expect(found([row('a'), row('b')], [row('b'), row('c')])).toEqual([
    ['order_without_payment', 'a'],
    ['payment_without_order', 'c'],
  ])
})

test('an open order is none, whether its payment is there or not; nor is a payment for another program', () => {
  const open = { outcome: 'OPEN' }
  expect(found([row('a', open), row('b', open)], [row('b'), row('c', { is_ours: false })])).toEqual([])
})
