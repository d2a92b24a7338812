import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { projectFolder } from './system/settings.ts'

const { scripts } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}
const commands = Object.entries(scripts).flatMap(([name, line]) =>
  /bootstrap\.mjs/.test(line) ? [name] : [],
)

test.each(commands)('npm run %s -- --help tells what it does, though nothing runs', async name => {
  const file = name === 'bench' ? 'bench/main.ts' : `scripts/${name}.ts`
  // Throws at an exit code other than 0. No port is 1: what asks for the system is told that there is none.
  const { stdout } = await promisify(execFile)(process.execPath, [join(projectFolder, file), '--help'], {
    env: { ...process.env, GATEWAY_URL: 'http://127.0.0.1:1' },
  })
  expect(stdout).toMatch(new RegExp(`^npm (run )?${name}\\b`))
})
