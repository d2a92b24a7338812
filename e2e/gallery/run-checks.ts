import type { TestInfrastructure } from 'scripts/testing/infrastructure'
import { createVitest } from 'vitest/node'

export type Plan = {
  root: string
  testInfrastructure: TestInfrastructure
  files: { path: string; titles: string[] }[]
}
/** Of a file: how its tests ended, by title; or why it did not load, which is not the same as being caught. */
export type Outcome = { path: string; states: Record<string, string>; errors: string[] }

/** A process of its own: one Vitest for the checks of all copies, since starting it takes longer than a check. */
process.once('message', async ({ root, testInfrastructure, files }: Plan) => {
  const vitest = await createVitest({
    root,
    config: false,
    watch: false,
    reporters: [{}],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    provide: { testInfrastructure },
  })
  const project = vitest.getRootProject()
  const { testModules } = await vitest.runTestSpecifications(
    files.map(({ path, titles }) =>
      project.createSpecification(path, { testNamePattern: new RegExp(titles.map(literally).join('|')) }),
    ),
  )
  const outcomes = testModules.map((module): Outcome => {
    const tests = [...module.children.allTests()]
    const states = Object.fromEntries(tests.map(test => [test.name, test.result().state]))
    return { path: module.moduleId, states, errors: module.errors().map(({ message }) => message) }
  })
  await vitest.close()
  process.send?.(outcomes, () => process.exit())
})

const literally = (text: string) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')
