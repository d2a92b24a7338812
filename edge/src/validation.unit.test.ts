import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { readJson } from './json-body.ts'
import { BalanceChange, OpeningBalance } from './money.ts'
import type { Problem } from './problem.ts'
import { UserId } from './user-id.ts'
import { checkFor } from './validation.ts'

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
    expect(told(`{"text":${literal}}`)).toBe('text must be string.')
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
    expect(told('1e400')).toBe('The body must be object.')
  })
})
