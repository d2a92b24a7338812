import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Parsed } from '../command-line.ts'
import { projectFolder } from '../system/settings.ts'
import { checks, type TestOptions, usage } from './test-options.ts'

/**
 * Leaves out the projects that have no file of the kind asked for, before servers are started for them. A part of a path
 * that no file of what is wanted has is a mistake.
 */
export async function narrowOptions({ wanted, filters }: TestOptions): Promise<Parsed<TestOptions>> {
  if (filters.length === 0) return { kind: 'options', options: { wanted, filters } }
  const found = await Promise.all(filters.map(projectsWith))
  const nowhere = filters.filter((_, index) => !wanted.some(step => found[index]!.has(step)))
  if (nowhere.length > 0) {
    const names = nowhere.map(filter => `"${filter}"`).join(', ')
    return {
      kind: 'mistake',
      text: `No step is called ${names}, and no test file of ${wanted.join(', ')} has that in its path.\n\n${usage}`,
    }
  }
  const needed = wanted.filter(step => step in checks || found.some(projects => projects.has(step)))
  return { kind: 'options', options: { wanted: needed, filters } }
}

/** Vitest knows itself which files it would run, in 0.4 s. */
async function projectsWith(filter: string): Promise<Set<string>> {
  const vitest = join(projectFolder, 'node_modules/.bin/vitest')
  const { stdout } = await promisify(execFile)(vitest, ['list', '--filesOnly', filter, '--json'], {
    cwd: projectFolder,
  })
  return new Set((JSON.parse(stdout) as { projectName: string }[]).map(({ projectName }) => projectName))
}
