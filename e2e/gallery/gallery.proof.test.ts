import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Defect, readDefects } from './defects.ts'
import { SourceCopy } from './source-copy.ts'

/**
 * A guarantee without a defect that breaks it is not yet tested. Each patch puts one classic mistake into a copy of
 * the sources, and the check that it names must turn red there. The patched code still does its ordinary work, so
 * that nobody would notice without that check: with it left out, everything is green.
 */
const defects = readDefects()
const servers = JSON.stringify(inject('testInfrastructure'))
let copy: SourceCopy
beforeAll(() => {
  copy = new SourceCopy(servers)
})
afterAll(() => copy?.remove())

test('there are at least 12 defects', () => expect(defects.length).toBeGreaterThanOrEqual(12))

test('without a defect, every check is green', { timeout: 180_000 }, async () => {
  const names = defects.flatMap(({ caughtBy, unnoticedBy }) => [caughtBy, unnoticedBy])
  const outcomes = await copy.run(names)
  expect(names.filter(name => outcomes.get(name.test) !== 'passed')).toEqual([])
})

describe('a seeded defect', () => {
  test.each(defects)('$name: $what', async (defect: Defect) => {
    const { caughtBy, unnoticedBy } = defect
    copy.apply(defect)
    try {
      const outcomes = await copy.run([caughtBy, unnoticedBy])
      expect(outcomes.get(caughtBy.test), `caught by "${caughtBy.test}"`).toBe('failed')
      expect(outcomes.get(unnoticedBy.test), `unnoticed by "${unnoticedBy.test}"`).toBe('passed')
    } finally {
      copy.restore(defect)
    }
  })
})
