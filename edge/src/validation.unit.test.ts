import { Type } from 'typebox'
import { expect, test } from 'vitest'
import type { Problem } from './problem.ts'
import { checkFor } from './validation.ts'

const check = checkFor(Type.Object({ amount: Type.Number() }, { additionalProperties: false }), 'body')

function refusalOf(body: object): Problem {
  try {
    check(body)
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
