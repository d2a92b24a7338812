import { expect, test } from 'vitest'
import { parseDeadLetterOptions } from './options.ts'

const parse = (line: string[]) => parseDeadLetterOptions(line, 'ana')
const options = (line: string[]) => {
  const parsed = parse(line)
  return parsed.kind === 'options' ? parsed.options : parsed
}
const letter = { service: 'payments', id: '12' }

test('list and acts are of both services, or of one', () => {
  expect(options(['list'])).toEqual({ command: 'list', services: ['orders', 'payments'] })
  expect(options(['acts', '--service', 'orders'])).toEqual({ command: 'acts', services: ['orders'] })
})

test('an act is on one letter, by who is logged in or says another name', () => {
  expect(options(['show', 'payments/12'])).toEqual({ command: 'show', letter })
  expect(options(['redrive', 'payments/12'])).toEqual({
    command: 'redrive',
    letter,
    isDryRun: false,
    who: 'ana',
    why: undefined,
  })
  expect(options(['discard', 'payments/12', '--why', 'sent in error', '--who', 'ben'])).toEqual({
    command: 'discard',
    letter,
    isDryRun: false,
    who: 'ben',
    why: 'sent in error',
  })
  expect(options(['discard', 'payments/12', '--dry-run'])).toMatchObject({ isDryRun: true })
})

test.each([
  [[], 'Say what to do.'],
  [['repair'], 'There is no command "repair".'],
  [['list', 'payments/12'], 'list takes no "payments/12"'],
  [['list', '--service', 'gateway'], '--service is "gateway"; it must be orders or payments.'],
  [['list', '--why', 'x'], 'list does not take --why.'],
  [['redrive', '--service', 'orders', 'orders/1'], 'redrive does not take --service.'],
  [['redrive'], 'Say which dead letter to redrive'],
  [['redrive', '12'], '"12" names no dead letter.'],
  [['redrive', 'payments/0'], '"payments/0" names no dead letter.'],
  [['redrive', 'payments/9999999999999999999'], 'names no dead letter.'],
  [['redrive', 'payments/1', 'payments/2'], '"payments/2" is too much: one dead letter at a time.'],
  [['redrive', 'payments/1', '--who', ' '], '--who is blank.'],
  [['discard', 'payments/1'], 'A discard needs --why'],
  [['discard', 'payments/1', '--why', ' '], '--why is blank.'],
  [['redrive', 'payments/1', '--force'], "Unknown option '--force'"],
])('%j is refused, and told what would be right', (line, told) => {
  const parsed = parse(line)
  expect(parsed.kind).toBe('mistake')
  expect((parsed as { text: string }).text).toContain(told)
  expect((parsed as { text: string }).text).toContain('npm run dead-letters -- list')
})

test('--help is no mistake', () => {
  expect(parse(['--help']).kind).toBe('help')
  expect(parse(['redrive', '--help']).kind).toBe('help')
})
