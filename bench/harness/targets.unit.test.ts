import { expect, test } from 'vitest'
import { amount, measureOf, rate } from './results.ts'
import { judge, type Target } from './targets.ts'

const measures = [
  measureOf({ section: 's', scenario: 'ours', figure: 'settled' }, rate('orders/s'), [600, 600]),
  measureOf({ section: 's', scenario: 'theirs', figure: 'rate' }, rate('tx/s'), [1000, 1000]),
  measureOf({ section: 's', scenario: 'wild', figure: 'rate' }, rate('tx/s'), [1, 1000]),
  measureOf({ section: 's', scenario: 'ours', figure: 'bytes' }, amount('bytes'), [61]),
]
const target = (more: Partial<Target>): Target => ({
  about: '',
  of: 's/ours/settled',
  over: 's/theirs/rate',
  must: 0.5,
  aim: 1,
  ...more,
})

test('a ratio reaches its aim, its must or neither', () => {
  const verdicts = judge([target({}), target({ aim: 0.6 }), target({ must: 0.7 })], measures)
  expect(verdicts.map(({ reached, value }) => [reached, value])).toEqual([
    ['must', 0.6],
    ['aim', 0.6],
    ['missed', 0.6],
  ])
})

test('where less is better, more misses', () => {
  const [verdict] = judge([{ about: '', of: 's/ours/bytes', must: 60, aim: 20 }], measures)
  expect(verdict).toMatchObject({ reached: 'missed', value: 61, unit: 'bytes' })
})

test('a figure that is not to be quoted decides nothing, and one that was not measured is left out', () => {
  const verdicts = judge([target({ over: 's/wild/rate' }), target({ over: 's/none/rate' })], measures)
  expect(verdicts).toMatchObject([{ reached: 'unknown', value: undefined }])
})
