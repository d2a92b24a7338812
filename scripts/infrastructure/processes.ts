import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 20

/**
 * When the process was started, in whatever unit the system tells: together with the pid it names one process
 * for ever, so that a pid given out again is never mistaken for ours. Undefined where it does not run; a
 * zombie does not run.
 */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
    return stdout?.trim() || undefined
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses and may hold anything; the rest comes after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

export type ProcessIdentity = { pid: number; startTime: string }

export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? undefined : { pid, startTime }
}

export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return startTimeOf(pid) === startTime
}

/** Signals one process and waits; SIGKILL after `msMax`. Answers how it ended up. */
export async function stopProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  msMax: number,
): Promise<'gone already' | 'stopped' | 'killed'> {
  if (!isAlive(identity)) return 'gone already'
  send(identity.pid, signal)
  if (await untilGone(identity, msMax)) return 'stopped'
  send(identity.pid, 'SIGKILL')
  await untilGone(identity, 5000)
  return 'killed'
}

async function untilGone(identity: ProcessIdentity, msMax: number): Promise<boolean> {
  const deadline = Date.now() + msMax
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false
    await sleep(pollMs)
  }
  return true
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
