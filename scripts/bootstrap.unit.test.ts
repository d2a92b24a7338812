import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

/** A clone in which nothing is installed yet, and an npm that does what a test wants. */
let clone: string
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'bootstrap-test-'))
  mkdirSync(join(clone, 'scripts'))
  copyFileSync(join(import.meta.dirname, 'bootstrap.mjs'), join(clone, 'scripts/bootstrap.mjs'))
  writeFileSync(join(clone, 'package-lock.json'), '{}')
})
afterEach(() => rmSync(clone, { recursive: true, force: true }))

/** What is said and the exit code; `act` is done once npm says that it is at work. */
async function install(npm: string, act: (group: number) => void = () => undefined) {
  writeFileSync(join(clone, 'npm'), `#!/bin/sh\necho at work\n${npm}\n`, { mode: 0o755 })
  const child = spawn(process.execPath, ['scripts/bootstrap.mjs', 'start'], {
    cwd: clone,
    // A group of its own: a Ctrl-C in a terminal reaches the whole foreground group.
    detached: true,
    env: { ...process.env, PATH: `${clone}:${process.env.PATH}` },
  })
  let told = ''
  child.stderr.on('data', data => {
    told += data
  })
  child.stdout.once('data', () => act(child.pid!))
  const [code] = await once(child, 'close')
  return { code, told }
}

test('an installation that is stopped is not told to have failed', async () => {
  const { code, told } = await install('exec sleep 60', group => process.kill(-group, 'SIGINT'))
  expect(code).toBe(130)
  expect(told).toMatch(/Stopped before all was installed; the next run begins anew\.\n$/)
})

test('one that fails is', async () => {
  const { code, told } = await install('exit 217')
  expect(code).toBe(217)
  expect(told).toContain('npm ci failed.')
})
