import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { readJson } from './json-body.ts'
import { BalanceChange, OpeningBalance } from './money.ts'
import type { Problem } from './problem.ts'
import { UserId } from './user-id.ts'
import { checkFor, visibleText } from './validation.ts'

const check = checkFor(Type.Object({ amount: Type.Number() }, { additionalProperties: false }), 'body')

function refusalOf(body: object, checkIt = check): Problem {
  try {
    checkIt(body)
  } catch (error) {
    return error as Problem
  }
  throw new Error('it was taken')
}

test('of very many mistakes the first twenty are named, and the others counted', () => {
  const odd = Object.fromEntries(Array.from({ length: 7_900 }, (_, i) => [i.toString(36), 1]))
  const { errors, message } = refusalOf({ amount: 1, ...odd })
  expect(errors).toHaveLength(20)
  expect(message).toMatch(/^0 is not a field of this call; 1 is not .*; and 7880 more\.$/)
})

test('up to twenty are all named', () => {
  const odd = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, 1]))
  const { errors, message } = refusalOf({ amount: 1, ...odd })
  expect(errors).toHaveLength(20)
  expect(message).toMatch(/f19 is not a field of this call\.$/)
})

describe('a number that no double carries exactly', () => {
  const checkNumbers = checkFor(
    Type.Object({
      user_id: Type.Optional(UserId),
      balance: Type.Optional(OpeningBalance),
      change: Type.Optional(BalanceChange),
      text: Type.Optional(Type.String()),
    }),
    'body',
  )
  const told = (body: string) => refusalOf(readJson(body) as object, checkNumbers).message

  test.each(['12345678901234567890', '1e400', '1.0000000000000000001'])('%s is no text', literal => {
    expect(told(`{"text":${literal}}`)).toBe('text must be text.')
  })

  test.each([
    ['balance', '1.00000000000000000001', 'must have at most two fraction digits'],
    ['balance', '1e400', 'must be at most 9999999999.99'],
    ['balance', '99999999999999999', 'must be at most 9999999999.99'],
    ['balance', '-1e400', 'must be at least 0'],
    ['change', '1e-400', 'must have at most two fraction digits'],
    ['user_id', '9007199254740993', 'must be at most 9007199254740991'],
    ['user_id', '7.0000000000000000001', 'must be a whole number'],
  ])('as %s: %s %s', (field, literal, detail) => {
    expect(told(`{"${field}":${literal}}`)).toBe(`${field} ${detail}.`)
  })

  test('is no body', () => {
    expect(told('1e400')).toBe('The body must be a JSON object.')
  })
})

describe('is told in words:', () => {
  const checkWords = checkFor(
    Type.Object({
      key: Type.Optional(Type.String(visibleText)),
      short: Type.Optional(Type.String({ minLength: 1, maxLength: 5 })),
      long: Type.Optional(Type.String({ minLength: 16 })),
      count: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
      sum: Type.Optional(Type.Number()),
      list: Type.Optional(Type.Array(Type.Object({}))),
      other: Type.Optional(Type.String({ pattern: '^[a-z]$' })),
    }),
    'body',
  )

  test.each<[unknown, string]>([
    [[], 'The body must be a JSON object.'],
    [{ key: 'a b' }, 'key must be 1 to 255 visible ASCII characters.'],
    [{ short: 7 }, 'short must be text.'],
    [{ short: '' }, 'short must not be empty.'],
    [{ short: '123456' }, 'short must have at most 5 characters.'],
    [{ long: '' }, 'long must have at least 16 characters.'],
    [{ count: 1.5 }, 'count must be a whole number.'],
    [{ count: 0 }, 'count must be at least 1.'],
    [{ count: 201 }, 'count must be at most 200.'],
    [{ sum: '1' }, 'sum must be a number.'],
    [{ list: {} }, 'list must be a list.'],
    [{ list: [7] }, 'list.0 must be a JSON object.'],
    [{ other: '1' }, 'other is not of the form that is asked for.'],
  ])('%j: %s', (body, words) => {
    expect(refusalOf(body as object, checkWords).message).toBe(words)
  })
})
