import { isInfrastructureError } from 'messaging/infrastructure-error'

export type GatherSettings = {
  /** Items that one run may take. */
  batchSizeMax: number
  /** Items that may wait for a run; one more is told `overloaded` at once. */
  queueMax: number
  /** An item that has waited longer is told `overloaded` and not run: its caller has most likely given up. */
  waitMsMax: number
  /** Runs at the same time. With 1, items run in the order submitted. */
  runsMax: number
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
 * Lets items that come while a run is going share the next run. One that comes alone runs at once, without delay.
 * `run` answers one result per item, in order, and must have no effect when it throws. A throw that lies in what
 * we stand on rejects all items of the run; another one halves the run, so that only the item at fault rejects.
 */
export function gather<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  { batchSizeMax, queueMax, waitMsMax, runsMax }: GatherSettings,
  monotonicMs: () => number = () => performance.now(),
): Gatherer<Item, Result> {
  let waiting: Waiting<Item, Result>[] = []
  let running = 0

  function submit(item: Item): Promise<Result | Overloaded> {
    if (waiting.length >= queueMax) return Promise.resolve({ kind: 'overloaded' })
    return new Promise((resolve, reject) => {
      waiting.push({ item, since: monotonicMs(), resolve, reject })
      runNext()
    })
  }

  function runNext(): void {
    if (running >= runsMax) return
    refuseStale()
    if (waiting.length === 0) return
    running += 1
    void runBatch(waiting.splice(0, batchSizeMax)).finally(() => {
      running -= 1
      runNext()
    })
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
