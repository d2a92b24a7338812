import { expect, it } from 'vitest'
import { accountNumber, accountNumberRule } from './routes.ts'

it.each(['1', '9007199254740991'])('%s is an account number', text => {
  expect(accountNumber(text)).toBe(Number(text))
})

it.each([undefined, '', '0', '-1', '1.5', '9007199254740992', '99999999999999999999'])(
  '%s is no account number',
  text => expect(accountNumber(text)).toBeUndefined(),
)

it('the rule names both limits', () => {
  expect(accountNumberRule).toBe('An account number is a whole number from 1 to 9007199254740991.')
})
