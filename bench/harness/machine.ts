import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { run } from 'scripts/infrastructure/run-command'
import { projectFolder } from 'scripts/system/settings'
import { median } from './statistics.ts'

/** What the figures were measured on: without it they mean nothing. */
export type Machine = {
  cpu: string
  cores: number
  memoryGb: number
  system: string
  node: string
  java: string
  commit: string
  /** The middle of 200 writes of 8 KiB, each made durable: the least a commit can take. */
  syncMs: number
  /** Processes that wanted to run in the minute before, per core. */
  loadPerCore: number
}

const syncs = 200
export const quietLoadPerCore = 0.5

export async function describeMachine(folder: string): Promise<Machine> {
  const cores = cpus()
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    java: await firstLine('java', ['-version']),
    commit: await commit(),
    syncMs: measureSync(folder),
    loadPerCore: (loadavg()[0] ?? 0) / cores.length,
  }
}

function measureSync(folder: string): number {
  const path = join(folder, 'sync-test')
  const file = openSync(path, 'w')
  const block = Buffer.alloc(8192)
  try {
    const took = Array.from({ length: syncs }, () => {
      const startedAt = performance.now()
      writeSync(file, block)
      fdatasyncSync(file)
      return performance.now() - startedAt
    })
    return median(took)
  } finally {
    closeSync(file)
    rmSync(path)
  }
}

async function commit(): Promise<string> {
  const git = (...args: string[]) => run('git', args, { cwd: projectFolder })
  try {
    const changed = (await git('status', '--porcelain', '--untracked-files=no')).trim() !== ''
    return `${(await git('rev-parse', '--short', 'HEAD')).trim()}${changed ? ' with changes' : ''}`
  } catch {
    return 'unknown'
  }
}

async function firstLine(command: string, args: string[]): Promise<string> {
  try {
    return (await run(command, args)).split('\n')[0] ?? ''
  } catch {
    return 'none'
  }
}

/** Time that the hypervisor gave to others since the machine started, and all time, in ticks. Zero but on Linux. */
export function stolenTicks(): { stolen: number; all: number } {
  if (process.platform !== 'linux') return { stolen: 0, all: 1 }
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.split(/\s+/)
  const all = ticks.slice(0, 8).reduce((sum, tick) => sum + Number(tick), 0)
  return { stolen: Number(ticks[7]), all }
}
