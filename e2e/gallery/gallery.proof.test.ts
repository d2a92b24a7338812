import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Check, readDefects } from './defects.ts'
import type { Outcome, Plan } from './run-checks.ts'
import { SourceCopies } from './source-copies.ts'

/**
 * A guarantee without a defect that breaks it is not yet tested. Each patch puts one classic mistake into a copy of
 * the sources, and the check that it names must turn red there. The patched code still does its ordinary work, so
 * that nobody would notice without that check: with it left out, everything is green.
 */
const defects = readDefects()
const copies = new SourceCopies()
const asIs = 'as it is'
let outcomes: Outcome[] = []

beforeAll(async () => {
  copies.make(asIs)
  for (const { name, patchFile } of defects) copies.make(name, patchFile)
  const all = defects.flatMap(({ caughtBy, unnoticedBy }) => [caughtBy, unnoticedBy])
  const files = [
    ...filesOf(asIs, all),
    ...defects.flatMap(({ name, caughtBy, unnoticedBy }) => filesOf(name, [caughtBy, unnoticedBy])),
  ]
  outcomes = await runChecks({ root: copies.path, testInfrastructure: inject('testInfrastructure'), files })
}, 300_000)
afterAll(() => copies.remove())

test('there are at least 12 defects', () => expect(defects.length).toBeGreaterThanOrEqual(12))

test.each(defects)('$name, left out: both checks are green', ({ caughtBy, unnoticedBy }) => {
  expect([stateOf(asIs, caughtBy), stateOf(asIs, unnoticedBy)]).toEqual(['passed', 'passed'])
})

describe('a seeded defect', () => {
  test.each(defects)('$name: $what', ({ name, caughtBy, unnoticedBy }) => {
    expect(stateOf(name, caughtBy), `caught by "${caughtBy.test}"`).toBe('failed')
    expect(stateOf(name, unnoticedBy), `unnoticed by "${unnoticedBy.test}"`).toBe('passed')
  })
})

const filesOf = (copy: string, checks: Check[]) =>
  [...Map.groupBy(checks, ({ file }) => file)].map(([file, of]) => ({
    path: join(copies.path, copy, file),
    titles: [...new Set(of.map(check => check.test))],
  }))

function stateOf(copy: string, check: Check): string | undefined {
  const path = join(copies.path, copy, check.file)
  const outcome = outcomes.find(outcome => outcome.path === path)
  expect(outcome?.errors, `${path} loads`).toEqual([])
  return outcome?.states[check.test]
}

async function runChecks(plan: Plan): Promise<Outcome[]> {
  const runner = fork(join(import.meta.dirname, 'run-checks.ts'))
  const gone = once(runner, 'exit').then(() => Promise.reject(new Error('the run of the checks has died')))
  const answer = once(runner, 'message')
  runner.send(plan)
  const [found] = await Promise.race([answer, gone])
  return found as Outcome[]
}
