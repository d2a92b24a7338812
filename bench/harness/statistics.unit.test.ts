import { expect, test } from 'vitest'
import { median, quantile, spreadPercent } from './statistics.ts'

test('quantiles lie between the two nearest values', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2)
  expect(quantile([], 0.5)).toBeNaN()
})

test('one disturbed run of five moves the spread little, runs that never agree move it much', () => {
  expect(spreadPercent([100, 101, 99, 100, 10])).toBeLessThan(2)
  expect(spreadPercent([100, 50, 150, 70, 130])).toBeGreaterThan(50)
  expect(spreadPercent([7])).toBe(0)
  expect(spreadPercent([0, 0, 0])).toBe(0)
})
