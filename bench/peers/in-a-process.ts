import type { OpenRelay, RelayPlace } from '../engine/relay-under-test.ts'
import { startWorker } from '../harness/worker.ts'

/** What the module of a relay in a process of its own answers to. */
export type RelayQuestions = {
  start(place: Omit<RelayPlace, 'servers'>, variant: string): Promise<void>
  stop(): Promise<void>
}

/** The process stays from start to start, so that it is warm. */
export async function inAProcess(
  module: URL,
  { database, brokers, topic }: RelayPlace,
  variant = '',
): Promise<OpenRelay> {
  const worker = await startWorker<RelayQuestions>(module)
  return {
    start: () => worker.ask('start', { database, brokers, topic }, variant),
    stop: () => worker.ask('stop'),
    close: () => worker.stop(),
  }
}
