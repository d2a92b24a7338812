import { expect, test } from 'vitest'
import { parseBenchOptions } from './options.ts'

const sections = [
  { name: 'limits', about: '' },
  { name: 'peers', about: '', isOptional: true },
]

test('without options all sections run that are not optional', () => {
  expect(parseBenchOptions([], sections)).toEqual({
    kind: 'options',
    options: { extent: 'usual', sections: ['limits'], runs: undefined },
  })
})

test('a section is run when it is named', () => {
  expect(parseBenchOptions(['--section', 'peers', '--quick', '--runs', '4'], sections)).toEqual({
    kind: 'options',
    options: { extent: 'quick', sections: ['peers'], runs: 4 },
  })
})

test.each([['--section=nothing'], ['--runs=0'], ['--runs=x'], ['--quick', '--long'], ['--fast']])(
  '%s is refused',
  (...args) => {
    expect(parseBenchOptions(args, sections).kind).toBe('mistake')
  },
)
