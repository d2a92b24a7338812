import { expect, test } from 'vitest'
import { pathForm, pathMaker } from './public-calls.ts'

test('a path is made of the checked parts', () => {
  expect(pathMaker('/users')({})).toBe('/users')
  expect(pathMaker('/users/:user_id')({ user_id: 7 })).toBe('/users/7')
  expect(pathMaker('/users/:user_id/ledger')({ user_id: 7 })).toBe('/users/7/ledger')
})

test('paths are compared whatever their parameters are called', () => {
  expect(pathForm('/users/{id}/ledger')).toBe(pathForm('/users/:user_id/ledger'))
})
