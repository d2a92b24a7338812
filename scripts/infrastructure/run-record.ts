import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { identify, isAlive, type ProcessIdentity, stopProcess } from './processes.ts'

/** What one run of ours started, on disk, so that another process can find it after a crash or to stop it. */
export type RunState<Details> = {
  owner: ProcessIdentity
  details: Details
  /** In the order started; stopped the other way round. */
  children: { name: string; process: ProcessIdentity; stopSignal: NodeJS.Signals }[]
}

export class RunRecord<Details> {
  path: string
  readonly #state: RunState<Details>

  /** Throws EEXIST where another run's record is. */
  constructor(path: string, details: Details) {
    const owner = identify(process.pid)
    if (!owner) throw new Error('This process cannot find itself in the process table.')
    this.path = path
    this.#state = { owner, details, children: [] }
    this.#write(linkSync)
  }

  /** Replaces what was recorded under this name. */
  add(name: string, pid: number, stopSignal: NodeJS.Signals): void {
    const child = identify(pid)
    this.#state.children = this.#state.children.filter(other => other.name !== name)
    if (child) this.#state.children.push({ name, process: child, stopSignal })
    this.#write(renameSync)
  }

  /** Replaces what is there. */
  move(path: string): void {
    renameSync(this.path, path)
    this.path = path
  }

  delete(): void {
    rmSync(this.path, { force: true })
  }

  /** Put into place whole: a reader never sees half of it. */
  #write(putInPlace: (from: string, to: string) => void): void {
    const unfinished = `${this.path}.${process.pid}`
    writeFileSync(unfinished, JSON.stringify(this.#state, null, 2), { mode: 0o600 })
    try {
      putInPlace(unfinished, this.path)
    } finally {
      rmSync(unfinished, { force: true })
    }
  }
}

export function readRunRecord<Details>(path: string): RunState<Details> | undefined {
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

export function isOwnerAlive(state: RunState<unknown>): boolean {
  return isAlive(state.owner)
}

/** Stops what a run left behind whose owner has died; the names of those that were still running. */
export async function stopOrphans(state: RunState<unknown>, stopMsMax: number): Promise<string[]> {
  const stopped: string[] = []
  for (const child of state.children.toReversed()) {
    const how = await stopProcess(child.process, child.stopSignal, stopMsMax)
    if (how !== 'gone already') stopped.push(child.name)
  }
  return stopped
}

export type Claim<Details> =
  | { kind: 'claimed'; record: RunRecord<Details>; orphansStopped: string[] }
  | { kind: 'running'; state: RunState<Details> }

/**
 * Makes this process the one owner of `path`; what a dead owner left running is stopped first. Meanwhile the new record is
 * beside it, and only who has that place may replace what is at `path`: of two that start at once after a crash, the
 * slower one would delete the record of the faster, and both would run.
 */
export async function claimRun<Details>(
  path: string,
  details: Details,
  stopMsMax: number,
): Promise<Claim<Details>> {
  const beside = `${path}.next`
  for (;;) {
    // By a claim that was killed half way, if nobody alive turns out to have it. One that is made from now on is another's.
    const isLeft = existsSync(beside)
    const running = [path, beside].map(readRunRecord<Details>).find(state => state && isOwnerAlive(state))
    if (running) return { kind: 'running', state: running }
    if (isLeft) rmSync(beside, { force: true })
    let record: RunRecord<Details>
    try {
      record = new RunRecord(beside, details)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      continue
    }
    const state = readRunRecord<Details>(path)
    if (state && isOwnerAlive(state)) {
      record.delete()
      return { kind: 'running', state }
    }
    const orphansStopped = state ? await stopOrphans(state, stopMsMax) : []
    record.move(path)
    return { kind: 'claimed', record, orphansStopped }
  }
}
