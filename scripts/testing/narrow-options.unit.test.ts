import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { projectFolder } from '../system/settings.ts'
import { narrowOptions } from './narrow-options.ts'
import { projects } from './test-options.ts'

test('a name that is neither a step nor in a path of a test file is told at once, with the names there are', async () => {
  const words = [join(projectFolder, 'scripts/test.ts'), 'relay', 'rellay']
  const npmTest = promisify(execFile)(process.execPath, words, { timeout: 20_000 })
  const { code, stdout } = await npmTest.catch(error => error)
  expect(stdout).toContain(
    'No step is called "rellay", and no test file of unit, simulation, int, proof, e2e has that',
  )
  expect(stdout).toContain('npm test [-- types|lint|unit|')
  expect(stdout).not.toContain('PostgreSQL and Kafka for the tests')
  expect(code).toBe(2)
})

test('only the projects that have such files are run', async () => {
  const narrow = async (wanted: string[], ...filters: string[]) => {
    const narrowed = await narrowOptions({ wanted, filters })
    return narrowed.kind === 'options' ? narrowed.options.wanted : narrowed.kind
  }
  expect(await narrow(projects, 'messaging/src/backoff')).toEqual(['unit'])
  expect(await narrow(projects, 'messaging/src/backoff', 'messaging/src/relay')).toEqual(['unit', 'int'])
  expect(await narrow(['types', 'unit', 'int'], 'messaging/src/relay')).toEqual(['types', 'int'])
  expect(await narrow(['types', 'unit'], 'messaging/src/relay')).toBe('mistake')
  expect(await narrow(['types', 'int'])).toEqual(['types', 'int'])
})
