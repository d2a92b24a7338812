import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder } from 'scripts/system/settings'
import { expect, test } from 'vitest'
import { migrationFailpoints, shopFailpoints } from './workloads.ts'

test('every failpoint in the code is in the matrix, and none that is gone', () => {
  const files = execFileSync('git', ['ls-files', '*.ts'], { cwd: projectFolder, encoding: 'utf8' }).split(
    '\n',
  )
  const inCode = files
    .filter(file => file.includes('/') && !file.startsWith('e2e/') && !file.endsWith('.test.ts'))
    .flatMap(file => [
      ...readFileSync(join(projectFolder, file), 'utf8').matchAll(/^\s+await failpoint\('([^']+)'\)$/gm),
    ])
    .map(([, name]) => name)
  expect(inCode.toSorted()).toEqual([...shopFailpoints, ...migrationFailpoints].toSorted())
})
