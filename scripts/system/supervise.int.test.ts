import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Daemon, type DaemonOptions } from '../infrastructure/daemon.ts'
import { readLines } from '../infrastructure/log-file.ts'
import { backoffMs, Supervised } from './supervise.ts'

let folder: string
const daemons: Daemon[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daemon-test-'))
})
afterEach(async () => {
  await Promise.all(daemons.splice(0).map(daemon => daemon.kill()))
  rmSync(folder, { recursive: true, force: true })
})

function daemonOf(script: string, options: Partial<DaemonOptions> = {}): Daemon {
  const logFile = join(folder, 'a.log')
  const daemon = new Daemon({
    name: 'a',
    command: process.execPath,
    args: ['-e', script],
    cwd: folder,
    logFile,
    readyOnce: async () => readLines(logFile).includes('up'),
    readyMsMax: 10_000,
    stopSignal: 'SIGTERM',
    stopMsMax: 5000,
    ...options,
  })
  daemons.push(daemon)
  return daemon
}

const serve = 'console.log("up"); setInterval(() => {}, 1000)'

test('a killed process is started again, and the terminal is told why', async () => {
  const daemon = daemonOf(`console.error("Error: bad luck"); ${serve}`)
  await daemon.start()
  const first = daemon.pid
  const said: string[] = []
  const stopping = new AbortController()
  const running = new Supervised(daemon, line => said.push(line)).run(stopping.signal)
  await daemon.kill()
  await vi.waitFor(() => expect(said.at(-1)).toBe('a is ready again.'), { timeout: 10_000 })
  expect(daemon.pid).not.toBe(first)
  expect(said[0]).toContain('a ended (signal SIGKILL); starting it again in 0.25 s.')
  expect(said[0]).toContain('Error: bad luck')
  stopping.abort()
  await running
})

test('one that keeps failing is tried ever more slowly, at most every 10 s', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 1000].map(backoffMs)).toEqual([
    250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000,
  ])
})

test('a process that ends before it is ready says its exit code and its last error', async () => {
  const daemon = daemonOf('console.error("Error: no such table\\n    at line 1"); process.exit(3)')
  await expect(daemon.start()).rejects.toThrow(
    /a ended before it was ready \(exit code 3\).*Error: no such table/,
  )
})

test('a process that ignores SIGTERM is killed when its time is up', async () => {
  const daemon = daemonOf(`process.on("SIGTERM", () => {}); ${serve}`, { stopMsMax: 200 })
  await daemon.start()
  expect(await daemon.stop()).toEqual({ code: null, signal: 'SIGKILL' })
})

test('a start that was under way when everything was stopped starts nothing', async () => {
  let release = () => {}
  const prepare = () =>
    new Promise<void>(resolve => {
      release = resolve
    })
  const daemon = daemonOf(serve, { prepare })
  const starting = daemon.start()
  await daemon.retire()
  release()
  await expect(starting).rejects.toThrow('everything is being stopped')
  expect(daemon.pid).toBeUndefined()
})

test('lines reach the file and the listener, the last ones before the end too', async () => {
  const lines: string[] = []
  const daemon = daemonOf(
    'console.log("up"); process.on("SIGTERM", () => { console.log("bye"); process.exit(0) }); setInterval(() => {}, 1000)',
    {
      onLine: line => lines.push(line),
    },
  )
  await daemon.start()
  expect(await daemon.stop()).toEqual({ code: 0, signal: null })
  expect(lines).toEqual(['up', 'bye'])
  await vi.waitFor(() => expect(readLines(daemon.options.logFile)).toEqual(['up', 'bye']), {
    timeout: 10_000,
  })
})
