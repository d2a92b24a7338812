import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { DatabaseAddress, Grantees, MigrationSet } from 'migrations/migrate'
import type { Answer, Request, ShopInstance, ShopPlace } from './shop-instance.ts'

/** What a child process is told to do. */
export type Order =
  | { kind: 'start'; place: ShopPlace }
  | { kind: 'arm'; failpoint: string; signal: NodeJS.Signals }
  | { kind: 'ask'; request: Request }
  | { kind: 'migrate'; address: DatabaseAddress; set: MigrationSet; grantees: Grantees }
  | { kind: 'stop' }

type Reply = { id: number; answer?: unknown; error?: string } | { reached: string }

/** A shop in a process of its own, to be killed or frozen. */
export class ChildInstance implements ShopInstance {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #reached = Promise.withResolvers<void>()
  readonly exited: Promise<unknown>
  #nextId = 0
  static readonly #all = new Set<ChildProcess>()

  constructor() {
    this.#process = fork(join(import.meta.dirname, 'child.ts'), [], {
      execArgv: ['--disable-warning=TimeoutNegativeWarning'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    ChildInstance.#all.add(this.#process)
    this.exited = once(this.#process, 'exit').then(() => {
      ChildInstance.#all.delete(this.#process)
      for (const { reject } of this.#waiting.values()) reject(new Error('the process has died'))
    })
    this.#process.on('message', (reply: Reply) => {
      if ('reached' in reply) return this.#reached.resolve()
      const waiting = this.#waiting.get(reply.id)
      this.#waiting.delete(reply.id)
      if (reply.error === undefined) waiting?.resolve(reply.answer)
      else waiting?.reject(new Error(reply.error))
    })
  }

  static async start(place: ShopPlace): Promise<ChildInstance> {
    const child = new ChildInstance()
    await child.order({ kind: 'start', place })
    return child
  }

  order(order: Order): Promise<unknown> {
    if (!this.#process.connected) return Promise.reject(new Error('the process has died'))
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(this.#nextId, waiting)
    this.#process.send({ id: this.#nextId++, order })
    return waiting.promise
  }

  /** It kills or stops itself there, the next time it comes there; resolves when it has. */
  async arm(failpoint: string, signal: 'SIGKILL' | 'SIGSTOP'): Promise<{ reached: Promise<void> }> {
    await this.order({ kind: 'arm', failpoint, signal })
    return { reached: this.#reached.promise }
  }

  ask = (request: Request) => this.order({ kind: 'ask', request }) as Promise<Answer>

  thaw(): void {
    this.#process.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    await this.order({ kind: 'stop' }).catch(() => undefined)
    this.#process.kill('SIGKILL')
    await this.exited
  }

  /** Also those that are frozen. */
  static killAll(): void {
    for (const child of ChildInstance.#all) child.kill('SIGKILL')
  }
}
