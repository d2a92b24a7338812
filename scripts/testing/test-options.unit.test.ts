import { expect, test } from 'vitest'
import { parseTestOptions, projects } from './test-options.ts'

const options = (...args: string[]) => {
  const parsed = parseTestOptions(args)
  return parsed.kind === 'options' ? parsed.options : parsed
}

test('steps are taken by name, and all else is part of a test file, which leaves the checks out', () => {
  expect(options('types', 'unit')).toEqual({ wanted: ['types', 'unit'], filters: [] })
  expect(options('relay')).toEqual({ wanted: projects, filters: ['relay'] })
  expect(options('int', 'relay')).toEqual({ wanted: ['int'], filters: ['relay'] })
  expect(options()).toEqual({ wanted: ['types', 'lint', ...projects], filters: [] })
})

test('an option that there is not is refused before any step, with the usage', () => {
  expect(options('unit', '--bogus')).toMatchObject({
    kind: 'mistake',
    text: expect.stringMatching(/'--bogus'[\s\S]*npm test \[--/),
  })
  expect(options('--help')).toMatchObject({ kind: 'help' })
})
