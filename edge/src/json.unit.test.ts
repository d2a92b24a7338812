import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJsonExactly, sameDecimal } from './json.ts'

/** What a decimal literal means, as a fraction of integers: the model, free of floating point. */
function exactly(literal: string): { numerator: bigint; denominator: bigint } {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? []
  const power = BigInt(exponent) - BigInt(fraction.length)
  const digits = BigInt(`${sign}${whole}${fraction}`)
  return power >= 0n
    ? { numerator: digits * 10n ** power, denominator: 1n }
    : { numerator: digits, denominator: 10n ** -power }
}
function means(a: string, b: string): boolean {
  const [x, y] = [exactly(a), exactly(b)]
  return x.numerator * y.denominator === y.numerator * x.denominator
}

const literalOf = (value: unknown) => typeof value === 'symbol' && value.description

describe('numbers', () => {
  test.each([
    ['10', 10],
    ['10.5', 10.5],
    ['10.50', 10.5],
    ['1e2', 100],
    ['1.50E-1', 0.15],
    ['-0.010', -0.01],
    ['9999999999999.99', 9999999999999.99],
    ['9007199254740991', 9007199254740991],
    ['0.00000000000000000000', 0],
    ['1000000000000000000000', 1e21],
  ])('%s is read as it is', (text, value) => {
    expect(parseJsonExactly(text)).toBe(value)
    expect(parseJsonExactly(Buffer.from(`{"a":[${text}]}`))).toEqual({ a: [value] })
  })

  test.each([
    ['9007199254740993'],
    ['0.1000000000000000000001'],
    ['1.00000000000000000000000001'],
    ['10.0000000000000001'],
    ['1e400'],
    ['-1e400'],
    ['1e-400'],
    ['1.00000000000000001e2'],
  ])('%s, which a double would round, becomes a symbol of its own text', text => {
    expect(literalOf(parseJsonExactly(text))).toBe(text)
    const { a } = parseJsonExactly(`{"a":[${text}]}`) as { a: unknown[] }
    expect(a.map(literalOf)).toEqual([text])
  })

  const digits = (maxLength: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength })
  const literals = fc
    .tuple(
      fc.constantFrom('', '-'),
      digits(20).map(text => text.replace(/^0+(?=\d)/, '')),
      fc.option(digits(25), { nil: undefined }),
      fc.option(fc.integer({ min: -30, max: 30 }), { nil: undefined }),
    )
    .map(
      ([sign, whole, fraction, exponent]) =>
        sign + whole + (fraction ? `.${fraction}` : '') + (exponent === undefined ? '' : `e${exponent}`),
    )

  test('no literal is ever read as a neighbour of itself', () => {
    fc.assert(
      fc.property(literals, text => {
        const value = parseJsonExactly(text)
        if (typeof value === 'number') expect(means(String(value), text)).toBe(true)
        else expect(literalOf(value)).toBe(text)
      }),
      { numRuns: 5_000 },
    )
  })

  test('every double that is written out is read as itself', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), number => {
        // JSON writes −0 as 0.
        expect(parseJsonExactly(JSON.stringify(number))).toBe(number + 0)
      }),
    )
  })

  test('two literals are the same decimal exactly when they name one number', () => {
    fc.assert(
      fc.property(literals, literals, (a, b) => {
        expect(sameDecimal(a, b)).toBe(means(a, b))
        expect(sameDecimal(a, a.includes('e') ? a : `${a}e0`)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('everything else', () => {
  test('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), text => {
        fc.pre(!text.includes('__proto__'))
        expect(parseJsonExactly(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('text that looks like a number stays text', () => {
    const text = '{"a":"1e400","12345678901234567890":"0.10000000000000000001","b":1e1}'
    expect(parseJsonExactly(text)).toEqual(JSON.parse(text))
  })

  test.each([
    ['nothing', ''],
    ['half of an object', '{"a":'],
    ['a trailing comma', '{"a":1,}'],
    ['NaN', '{"a":NaN}'],
    ['a number with a leading zero', '01'],
    ['a byte order mark', '﻿{}'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['half a character in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a field __proto__', '{"a":{"__proto__":{}}}'],
    ['the same, escaped', '{"\\u005f_proto__":{}}'],
    ['the same, escaped in capitals', '{"\\u005F_proto__":{}}'],
    ['the same, escaped in the middle', '{"__pr\\u006Fto__":{}}'],
    ['lists too deep to look through', `${'['.repeat(100_000)}1e1${']'.repeat(100_000)}`],
  ])('%s is a SyntaxError', (_, text) => {
    expect(() => parseJsonExactly(text)).toThrow(SyntaxError)
  })

  test('the word __proto__ in a text is none of our business', () => {
    expect(parseJsonExactly('{"a":"__proto__"}')).toEqual({ a: '__proto__' })
  })
})
