import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder } from 'scripts/system/settings'
import { expect, test } from 'vitest'
import { readDefects } from './defects.ts'
import { applyPatch } from './source-copies.ts'

test.each(readDefects())('$name still fits the code', ({ patchFile, caughtBy, unnoticedBy }) => {
  applyPatch(patchFile, projectFolder, '--check')
  expect([caughtBy, unnoticedBy].filter(({ file }) => !existsSync(join(projectFolder, file)))).toEqual([])
})
