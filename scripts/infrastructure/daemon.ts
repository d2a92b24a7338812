import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, createWriteStream, openSync, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastErrorLine, sizeOf } from './log-file.ts'

export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type DaemonOptions = {
  name: string
  command: string
  args: readonly string[]
  env?: NodeJS.ProcessEnv
  cwd: string
  /** Run as this user; only root may set it. */
  user?: { uid: number; gid: number }
  /** Everything the process writes is appended here. */
  logFile: string
  /** Also called with each line. Without it the process writes to the file itself and outlives our pipes. */
  onLine?: (line: string) => void
  /** Runs before each start: recovers from a crash, checks the port. A throw stops the start. */
  prepare?: () => Promise<void> | void
  readyOnce: () => Promise<boolean>
  readyMsMax: number
  /** How often one that ends before it is ready is tried again at once; default 1. */
  startAttemptsMax?: number
  stopSignal: 'SIGTERM' | 'SIGINT'
  /** After this long the stop is made with SIGKILL. */
  stopMsMax: number
  /** For what outlives its process, such as a container behind its client. */
  killElsewhere?: () => Promise<void>
}

const readyPollMs = 25
const startRetryMs = 200
const lastLinesMsMax = 1000

class EndedEarlyError extends Error {}

/**
 * One process that serves until it is stopped: Postgres, Kafka or a service. It leads a process group of its
 * own, so that Ctrl-C in a terminal reaches only us and the order of stopping is ours.
 */
export class Daemon {
  readonly options: DaemonOptions
  /** Called with the pid at each start, before anything else can go wrong. */
  onSpawn: ((pid: number) => void) | undefined
  #child: ChildProcess | undefined
  #exited: Promise<Exit> = Promise.resolve({ code: null, signal: null })
  #log: WriteStream | undefined
  /** How long the log was when the process was started. */
  #logBegin = 0
  #retired = false

  constructor(options: DaemonOptions) {
    this.options = options
  }

  get name(): string {
    return this.options.name
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Settles when the process started last has ended; never rejects. */
  get exited(): Promise<Exit> {
    return this.#exited
  }

  /** Spawns without waiting for readiness. Throws where it runs already or cannot be spawned. */
  async spawn(): Promise<void> {
    const { name, command, args, env, cwd, user, logFile, onLine } = this.options
    if (this.#child) throw new Error(`${name} runs already (pid ${this.#child.pid}).`)
    await this.options.prepare?.()
    if (this.#retired) throw new Error(`${name} is not started any more: everything is being stopped.`)
    this.#logBegin = sizeOf(logFile)
    const file = onLine ? undefined : openSync(logFile, 'a')
    const output = file ?? 'pipe'
    const child = spawn(command, args, {
      cwd,
      detached: true,
      ...(env && { env }),
      ...user,
      stdio: ['ignore', output, output],
    })
    this.#child = child
    this.#exited = new Promise(resolve => {
      child.once('exit', (code, signal) => {
        const end = () => {
          if (this.#child === child) this.#child = undefined
          resolve({ code, signal })
        }
        // Its last lines are still on their way; a grandchild that keeps the pipe open is not waited for.
        child.once('close', () => (this.#log ? this.#log.write('', end) : end()))
        setTimeout(end, lastLinesMsMax).unref()
      })
    })
    if (child.pid !== undefined) this.onSpawn?.(child.pid)
    if (onLine) this.#follow(child, onLine)
    try {
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve)
        child.once('error', reject)
      })
    } catch (error) {
      this.#child = undefined
      throw new Error(`${name} could not be started: ${command}: ${(error as Error).message}`)
    } finally {
      if (file !== undefined) closeSync(file)
    }
  }

  /** Spawns and waits until it is ready; a process that ends or stays silent too long is an error. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await this.spawn()
      try {
        return await this.untilReady()
      } catch (error) {
        if (!(error instanceof EndedEarlyError) || attempt >= (this.options.startAttemptsMax ?? 1))
          throw error
        await sleep(startRetryMs)
      }
    }
  }

  async untilReady(): Promise<void> {
    const { name, readyOnce, readyMsMax } = this.options
    const deadline = Date.now() + readyMsMax
    let ended: Exit | undefined
    this.#exited.then(exit => {
      ended = exit
    })
    while (!(await readyOnce())) {
      if (ended) {
        throw new EndedEarlyError(
          `${name} ended before it was ready (${describeExit(ended)}). ${this.whereToLook()}`,
        )
      }
      if (Date.now() > deadline) {
        await this.kill()
        throw new Error(`${name} was not ready after ${readyMsMax / 1000} s. ${this.whereToLook()}`)
      }
      await sleep(readyPollMs)
    }
  }

  whereToLook(): string {
    const line = lastErrorLine(this.options.logFile, this.#logBegin)
    const end = line?.includes('\n') ? '\n' : line?.endsWith('.') ? ' ' : '. '
    return `${line ? `Its log ends with: ${line}${end}` : ''}See ${this.options.logFile}`
  }

  /** Asks it to end, insists after `stopMsMax`. Does nothing where it does not run. */
  async stop(): Promise<Exit> {
    const { stopSignal, stopMsMax } = this.options
    if (!this.#child) return this.#exited
    this.#child.kill(stopSignal)
    const timer = setTimeout(() => void this.kill(), stopMsMax)
    const exit = await this.#exited
    clearTimeout(timer)
    return exit
  }

  /** Stops it for good: a start that is under way, or comes later, is refused. */
  retire(): Promise<Exit> {
    this.#retired = true
    return this.stop()
  }

  /** SIGKILL by default: the crash that tests and impatient people want. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.#child?.kill(signal)
    if (signal === 'SIGKILL') await this.options.killElsewhere?.()
    return this.#exited
  }

  #follow(child: ChildProcess, onLine: (line: string) => void): void {
    const log = this.#log ?? createWriteStream(this.options.logFile, { flags: 'a' })
    this.#log = log
    const each = (line: string) => {
      log.write(`${line}\n`)
      onLine(line)
    }
    for (const stream of [child.stdout, child.stderr] as Readable[]) {
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', each)
    }
  }
}

export function describeExit({ code, signal }: Exit): string {
  return signal ? `signal ${signal}` : `exit code ${code}`
}
