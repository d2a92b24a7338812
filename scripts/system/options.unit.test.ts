import { expect, test } from 'vitest'
import { parseDevOptions, parseStartOptions, parseStopOptions } from './options.ts'

test('start shows warnings and the UI where nothing else is asked for', () => {
  const options = (...args: string[]) => parseStartOptions(args)
  expect(options()).toMatchObject({ options: { showAll: false, withUi: true } })
  expect(options('--verbose', '--no-ui')).toMatchObject({ options: { showAll: true, withUi: false } })
})

test.each([
  ['npm start', parseStartOptions],
  ['npm run dev', parseDevOptions],
  ['npm stop', parseStopOptions],
])('%s refuses what it does not know, and shows its usage', (name, parse) => {
  for (const [arg, told] of [
    ['--bogus', "'--bogus'"],
    ['bogus', '"bogus" is too much.'],
  ] as const) {
    const parsed = parse([arg])
    expect(parsed).toMatchObject({ kind: 'mistake', text: expect.stringContaining(told) })
    expect(parsed).toMatchObject({ text: expect.stringContaining(`\n\n${name}`) })
  }
  expect(parse(['--help'])).toMatchObject({ kind: 'help' })
  expect(parse([]).kind).toBe('options')
})
