import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RateLimit } from './rate-limit.ts'

describe('rate limit', () => {
  test('lets a burst of one second pass, then refuses and says when to come again', () => {
    const limit = new RateLimit(10)
    for (let i = 0; i < 10; i++) expect(limit.take('a', 0)).toBe(0)
    const waitMs = limit.take('a', 0)
    expect(waitMs).toBe(100)
    expect(limit.take('a', waitMs - 1)).toBeGreaterThan(0)
    expect(limit.take('a', waitMs)).toBe(0)
  })

  test('never refuses a steady client at its rate, however its requests jitter within a second', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 999, noNaN: true }), { minLength: 300, maxLength: 300 }),
        jitters => {
          const limit = new RateLimit(1_000)
          const times = jitters.map((jitter, i) => i + jitter).toSorted((a, b) => a - b)
          expect(times.every(time => limit.take('a', time) === 0)).toBe(true)
        },
      ),
    )
  })

  test('lets no client have more than its burst and its rate', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 500 }), gaps => {
        const limit = new RateLimit(10)
        let now = 0
        let passed = 0
        for (const gap of gaps) {
          now += gap
          if (limit.take('a', now) === 0) passed++
        }
        expect(passed).toBeLessThanOrEqual(10 + (now / 1_000) * 10 + 1e-6)
      }),
    )
  })

  test('counts each client for itself, and forgets the one seen longest ago', () => {
    const limit = new RateLimit(1, 2)
    expect([limit.take('a', 0), limit.take('b', 0)]).toEqual([0, 0])
    expect(limit.take('a', 0)).toBeGreaterThan(0)
    limit.take('c', 0)
    expect(limit.take('a', 0)).toBeGreaterThan(0)
    expect(limit.take('b', 0)).toBe(0)
  })
})
