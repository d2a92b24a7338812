import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  amountMinorMax,
  balanceMinorMax,
  decimalFromMinor,
  minorFromChecked,
  minorFromDecimal,
} from './money.ts'

const balances = fc.bigInt({ min: -balanceMinorMax, max: balanceMinorMax })

/** 1050n → "10.50": the model, in text. */
function written(minor: bigint): string {
  const digits = String(minor < 0n ? -minor : minor).padStart(3, '0')
  return `${minor < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

describe('money', () => {
  test('comes back from its decimal number as it went, up to the largest balance', () => {
    fc.assert(
      fc.property(balances, minor => {
        expect(minorFromDecimal(decimalFromMinor(minor))).toBe(minor)
      }),
      { numRuns: 5_000, examples: [[balanceMinorMax], [-balanceMinorMax], [amountMinorMax], [1n], [0n]] },
    )
  })

  test('comes back through JSON, and through every way to write its digits', () => {
    fc.assert(
      fc.property(balances, minor => {
        const text = written(minor)
        for (const spelling of [
          JSON.stringify(decimalFromMinor(minor)),
          text,
          text.replace(/\.?0+$/, '') || '0',
        ])
          expect(minorFromDecimal(JSON.parse(spelling))).toBe(minor)
      }),
      { numRuns: 2_000 },
    )
  })

  test('of neighbouring cents are different numbers', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -balanceMinorMax, max: balanceMinorMax - 1n }), minor => {
        expect(decimalFromMinor(minor)).toBeLessThan(decimalFromMinor(minor + 1n))
      }),
      { numRuns: 2_000 },
    )
  })

  test('is written with at most two fraction digits', () => {
    fc.assert(
      fc.property(balances, minor => {
        expect(JSON.stringify(decimalFromMinor(minor))).toMatch(/^-?\d+(\.\d{1,2})?$/)
      }),
    )
  })

  test.each([
    [10, 1000n],
    [10.5, 1050n],
    [0.01, 1n],
    [0.07, 7n],
    [0.29, 29n],
    [1.1, 110n],
    [4.35, 435n],
    [1e2, 10000n],
    [-10.5, -1050n],
    [0, 0n],
    [-0, 0n],
    [9999999999.99, amountMinorMax],
    [9999999999999.99, balanceMinorMax],
  ])('%f is %i minor units', (decimal, minor) => {
    expect(minorFromDecimal(decimal)).toBe(minor)
    expect(minorFromChecked(decimal)).toBe(minor)
  })

  test.each([
    [1.005],
    [0.001],
    [1e-7],
    [-0.005],
    [0.1 + 0.2],
    [10_000_000_000_000],
    [2 ** 53],
    [1e21],
    [1e300],
    [Number.MAX_VALUE],
    [Number.MIN_VALUE],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY],
  ])('%f is no amount, and is never rounded to one', decimal => {
    expect(minorFromDecimal(decimal)).toBeUndefined()
    expect(() => minorFromChecked(decimal)).toThrow(RangeError)
  })

  test('with more than two significant fraction digits is refused, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999_999 }),
        fc.stringMatching(/^\d{2}\d{0,3}[1-9]$/),
        (whole, fraction) => {
          expect(minorFromDecimal(Number(`${whole}.${fraction}`))).toBeUndefined()
        },
      ),
    )
  })
})
