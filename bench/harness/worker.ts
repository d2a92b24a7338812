import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

type Answer = { id: number; value?: unknown; error?: string }

/** A process of ours that answers questions, one at a time or many. Its CPU time is its own, and can be told. */
export type Worker<Questions extends object> = {
  pid: number
  ask<Name extends keyof Questions & string>(
    name: Name,
    ...args: Questions[Name] extends (...args: infer Args) => unknown ? Args : never
  ): Promise<Questions[Name] extends (...args: never[]) => infer Result ? Awaited<Result> : never>
  stop(): Promise<void>
}

/** Ends with its parent: its end of the channel closes then. */
export async function startWorker<Questions extends object>(
  module: URL,
  nodeFlags: string[] = [],
): Promise<Worker<Questions>> {
  const child: ChildProcess = fork(fileURLToPath(module), {
    execArgv: ['--disable-warning=TimeoutNegativeWarning', ...nodeFlags],
    serialization: 'advanced',
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let asked = 0
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  void exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${module.pathname} ended`))
  })
  child.on('message', ({ id, value, error }: Answer) => {
    const { resolve, reject } = waiting.get(id)!
    waiting.delete(id)
    if (error === undefined) resolve(value)
    else reject(new Error(error))
  })
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  return {
    pid: child.pid!,
    ask: (name, ...args) =>
      new Promise((resolve, reject) => {
        const id = ++asked
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
        child.send({ id, name, args }, error => error && reject(error))
      }) as never,
    async stop() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/** In the worker: answers by the functions given, and ends with whoever asked. */
export function answerQuestions(questions: object, end: () => Promise<void> = async () => undefined): void {
  const byName = questions as Record<string, (...args: unknown[]) => unknown>
  process.on('message', async ({ id, name, args }: { id: number; name: string; args: unknown[] }) => {
    try {
      process.send?.({ id, value: await byName[name]!(...args) } satisfies Answer)
    } catch (error) {
      process.send?.({ id, error: (error as Error).stack ?? String(error) } satisfies Answer)
    }
  })
  process.once('disconnect', async () => {
    await end().catch(() => undefined)
    process.exit()
  })
  // Ctrl-C reaches the whole group; who started us decides when we end.
  process.on('SIGINT', () => undefined)
}

/** Milliseconds on a clock that all processes of one machine share. */
export const sharedClockMs = (): number => Number(process.hrtime.bigint()) / 1e6
