import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatPosition, parsePosition, reaches } from './position.ts'

const positions = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 99_999 }), fc.bigInt({ min: 0n, max: 10n ** 18n - 1n })), {
    selector: ([partition]) => partition,
    minLength: 1,
    maxLength: 100,
  })
  .map(pairs => new Map(pairs))

describe('position', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(positions, position => {
        expect(parsePosition(formatPosition(position))).toEqual(position)
      }),
    )
  })

  test('that nobody can have given out is refused, and nothing else happens', () => {
    for (const text of [
      '',
      ' ',
      '0',
      '0:',
      ':1',
      '0:-1',
      '0:1,',
      '0:1,0:2',
      '1.5:2',
      '0:1;1:2',
      '0:1 ,1:2',
      'x:y',
    ]) {
      expect(parsePosition(text), text).toBeUndefined()
    }
    expect(parsePosition(`0:${'9'.repeat(5_000)}`)).toBeUndefined()
    fc.assert(
      fc.property(fc.string(), text => {
        const position = parsePosition(text)
        if (position)
          expect(formatPosition(position).replace(/\b0+(?=\d)/g, '')).toBe(text.replace(/\b0+(?=\d)/g, ''))
      }),
    )
  })

  test('reaches another one when no partition is behind', () => {
    const seen = new Map([
      [0, 5n],
      [1, 2n],
    ])
    expect(reaches(seen, new Map([[0, 5n]]))).toBe(true)
    expect(reaches(seen, new Map([[0, 6n]]))).toBe(false)
    expect(reaches(seen, new Map([[2, 1n]]))).toBe(false)
  })
})
