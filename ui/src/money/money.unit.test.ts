import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  amountMinorMax,
  decimalNumber,
  decimalText,
  minorFromDecimal,
  moneyFormat,
  parseAmount,
} from './money.ts'

const minor = fc.bigInt({ min: -999_999_999_999_999n, max: 999_999_999_999_999n })

describe('money', () => {
  it('survives the way through a JSON number and back, up to the largest balance', () => {
    fc.assert(
      fc.property(minor, value => {
        expect(minorFromDecimal(JSON.parse(JSON.stringify(decimalNumber(value))))).toBe(value)
      }),
    )
  })

  it('reads what it wrote, with and without grouping', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: amountMinorMax }), value => {
        const text = decimalText(value)
        const grouped = text.replace(/\B(?=(\d{3})+\.)/g, ',')
        expect(parseAmount(text)).toEqual({ kind: 'amount', minor: value })
        expect(parseAmount(` ${grouped} `)).toEqual({ kind: 'amount', minor: value })
      }),
    )
  })

  it.each(['0', '0.00', '1.005', '12,50', '-3', '1e3', '.', 'abc', '10000000000', '1,23,4', '٣'])(
    'refuses %s and says what to write instead',
    typed => {
      expect(parseAmount(typed)).toMatchObject({ kind: 'refused', explanation: expect.stringMatching(/\.$/) })
    },
  )

  it('takes a blank as nothing typed yet', () => {
    expect(parseAmount('  ')).toEqual({ kind: 'empty' })
  })

  it('shows every digit of the largest balance, where a double would not add up', () => {
    const { format, formatSigned } = moneyFormat('USD', 'en-US')
    expect(format(999_999_999_999_999n)).toBe('$9,999,999,999,999.99')
    expect(formatSigned(-1050n)).toBe('-$10.50')
    expect(formatSigned(1050n)).toBe('+$10.50')
  })
})
