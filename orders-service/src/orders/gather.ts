import { isInfrastructureError } from 'messaging/infrastructure-error'

export type GatherSettings = {
  /** Items that one run may take. */
  batchSizeMax: number
  /** Items that may wait for a run; one more is told `overloaded` at once. */
  queueMax: number
  /** An item that has waited longer is told `overloaded` and not run: its caller has most likely given up. */
  waitMsMax: number
  /** The rest after a run of several, at most: so many times what the run took, and no longer than `restMsMax`. */
  restPerRun: number
  restMsMax: number
}
export type Overloaded = { kind: 'overloaded' }
export type Gatherer<Item, Result> = { submit(item: Item): Promise<Result | Overloaded> }

type Waiting<Item, Result> = {
  item: Item
  since: number
  resolve(result: Result | Overloaded): void
  reject(error: unknown): void
}

/**
 * Lets items that come while a run is going share the next run. Those that come while it neither runs nor rests run at the
 * end of that turn of the event loop: were the first of many to run at once, all others would wait for it.
 *
 * After a run of several it rests, since fewer and larger runs leave more of a busy machine: most of what a run costs, here
 * and in all that follows from it, does not depend on its size. The rest ends when as many wait as the run answered and
 * as came while it ran: with clients that wait for their answers, all are back by then.
 *
 * One run goes at a time, so items run in the order submitted. `run` answers one result per item, in order, and must have
 * no effect when it throws. A throw that lies in what we stand on rejects all items of the run; another one halves the run,
 * so that only the item at fault rejects.
 */
export function gather<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  { batchSizeMax, queueMax, waitMsMax, restPerRun, restMsMax }: GatherSettings,
  monotonicMs: () => number = () => performance.now(),
): Gatherer<Item, Result> {
  let waiting: Waiting<Item, Result>[] = []
  let isRunning = false
  let isRunDue = false
  let rest: { timer: NodeJS.Timeout; expected: number } | undefined

  function submit(item: Item): Promise<Result | Overloaded> {
    if (waiting.length >= queueMax) return Promise.resolve({ kind: 'overloaded' })
    return new Promise((resolve, reject) => {
      waiting.push({ item, since: monotonicMs(), resolve, reject })
      runAtTurnsEnd()
    })
  }

  function runAtTurnsEnd(): void {
    if (isRunDue) return
    isRunDue = true
    setImmediate(() => {
      isRunDue = false
      runNext()
    })
  }

  function runNext(): void {
    if (isRunning) return
    refuseStale()
    if (waiting.length === 0) return
    if (rest && waiting.length < Math.min(rest.expected, batchSizeMax)) return
    endRest()
    isRunning = true
    const batch = waiting.splice(0, batchSizeMax)
    const startedAt = monotonicMs()
    void runBatch(batch).finally(() => {
      isRunning = false
      const ms = Math.min((monotonicMs() - startedAt) * restPerRun, restMsMax)
      if (batch.length > 1) beginRest(ms, batch.length + waiting.length)
      runNext()
    })
  }

  function beginRest(ms: number, expected: number): void {
    endRest()
    const timer = setTimeout(() => {
      endRest()
      runNext()
    }, ms)
    rest = { timer, expected }
  }

  function endRest(): void {
    clearTimeout(rest?.timer)
    rest = undefined
  }

  /** The oldest wait in front. */
  function refuseStale(): void {
    const since = monotonicMs() - waitMsMax
    const fresh = waiting.findIndex(one => one.since >= since)
    if (fresh === 0) return
    const stale = fresh === -1 ? waiting : waiting.slice(0, fresh)
    waiting = fresh === -1 ? [] : waiting.slice(fresh)
    for (const one of stale) one.resolve({ kind: 'overloaded' })
  }

  async function runBatch(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await run(batch.map(({ item }) => item))
      batch.forEach((one, i) => {
        one.resolve(results[i] as Result)
      })
    } catch (error) {
      if (batch.length === 1 || isInfrastructureError(error)) {
        for (const one of batch) one.reject(error)
        return
      }
      const half = Math.ceil(batch.length / 2)
      await runBatch(batch.slice(0, half))
      await runBatch(batch.slice(half))
    }
  }

  return { submit }
}
