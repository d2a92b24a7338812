import { expect, it } from 'vitest'
import { timeRange } from './time-range.ts'

it('one time is the end of a minute, and a few seconds are as well', () => {
  expect(timeRange([1_000])).toEqual([940, 1_000])
  expect(timeRange([1_000, 1_001, 1_002])).toEqual([942, 1_002])
})

it('more than a minute is shown from its first time', () => {
  expect(timeRange([1_000, 1_030, 1_090])).toEqual([1_000, 1_090])
})

it('no time has no range', () => {
  expect(timeRange([])).toEqual([null, null])
})
