import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { identify, isAlive, type ProcessIdentity, stopProcess } from './processes.ts'

/** What one run of ours started, on disk, so that another process can find it after a crash or to stop it. */
export type RunState<Details> = {
  owner: ProcessIdentity
  details: Details
  /** In the order started; stopped the other way round. */
  children: { name: string; process: ProcessIdentity; stopSignal: NodeJS.Signals }[]
}

export class RunRecord<Details> {
  readonly path: string
  readonly #state: RunState<Details>

  constructor(path: string, details: Details) {
    const owner = identify(process.pid)
    if (!owner) throw new Error('This process cannot find itself in the process table.')
    this.path = path
    this.#state = { owner, details, children: [] }
    this.#write()
  }

  /** Replaces what was recorded under this name. */
  add(name: string, pid: number, stopSignal: NodeJS.Signals): void {
    const child = identify(pid)
    this.#state.children = this.#state.children.filter(other => other.name !== name)
    if (child) this.#state.children.push({ name, process: child, stopSignal })
    this.#write()
  }

  delete(): void {
    rmSync(this.path, { force: true })
  }

  /** Renamed into place: a reader never sees half of it. */
  #write(): void {
    const unfinished = `${this.path}.unfinished`
    writeFileSync(unfinished, JSON.stringify(this.#state, null, 2), { mode: 0o600 })
    renameSync(unfinished, this.path)
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
