import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { watchUsage } from './usage.ts'

/** Each says when it is ready, and ends with its input. */
const idle = `process.stdin.resume(); console.log('ready')`
const busy = `const kept = Buffer.alloc(100e6, 1); while (process.cpuUsage().user < 500e3) kept.fill(2); ${idle}`
const startsBusy = `
  const { spawn } = require('node:child_process')
  spawn(process.execPath, ['-e', process.argv[1]], { stdio: 'inherit' })`

it.skipIf(process.platform !== 'linux')(
  'counts what a process takes with its children, and for each name its own',
  async () => {
    const [one, other] = [start(startsBusy, busy), start(idle)]
    const watched = watchUsage({ one: [one.pid!], other: [other.pid!] })
    await Promise.all([once(one.stdout!, 'data'), once(other.stdout!, 'data')])
    const usage = watched.stop()
    expect(usage.one!.memoryMbMax).toBeGreaterThan(usage.other!.memoryMbMax + 100)
    expect(usage.one!.cpuMs).toBeGreaterThan(usage.other!.cpuMs + 400)
  },
)

function start(...code: string[]): ChildProcess {
  const child = spawn(process.execPath, ['-e', ...code])
  onTestFinished(() => void child.stdin.end())
  return child
}
