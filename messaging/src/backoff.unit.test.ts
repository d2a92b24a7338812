import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

test('doubles from the first wait to the longest', () => {
  const waits = [0, 1, 2, 3, 4].map(attempt => backoffMs({ firstMs: 100, maxMs: 500 }, attempt, 1))
  expect(waits).toEqual([100, 200, 400, 500, 500])
})

test('is always in the upper half of its step, also after a thousand failures', () => {
  const bounds = fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1_000, max: 60_000 }))
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(bounds, fc.nat(1_000), random, ([firstMs, maxMs], attempt, part) => {
      const step = backoffMs({ firstMs, maxMs }, attempt, 1)
      const wait = backoffMs({ firstMs, maxMs }, attempt, part)
      expect(step).toBeLessThanOrEqual(maxMs)
      expect(wait).toBeGreaterThanOrEqual(step / 2)
      expect(wait).toBeLessThanOrEqual(step)
    }),
  )
})
