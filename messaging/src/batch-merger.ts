type Entry<Item> = {
  items: Item[]
  taken: number
  inHand: number
  resolve(): void
  reject(error: unknown): void
}

/**
 * kafkajs hands over each partition of a fetch apart; the merger puts those that wait at the same moment into one
 * call of `handle`, at most `sizeMax` items, in order within each partition. One call runs at a time.
 */
export class BatchMerger<Item> {
  readonly #sizeMax: number
  readonly #handle: (items: Item[]) => Promise<void>
  #waiting: Entry<Item>[] = []
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(sizeMax: number, handle: (items: Item[]) => Promise<void>) {
    this.#sizeMax = sizeMax
    this.#handle = handle
  }

  /** Resolves when all of these items are handled; rejects when a call that held some of them failed. */
  add(items: Item[]): Promise<void> {
    if (items.length === 0) return Promise.resolve()
    if (this.#isStopped) return Promise.reject(stopped())
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ items, taken: 0, inHand: 0, resolve, reject })
    this.#running ??= this.#run()
    return promise
  }

  /** Lets the call in hand end and rejects what waits for another one. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    // The other partitions of the same fetch are added in this turn of the event loop.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#waiting.length > 0 && !this.#isStopped) {
      const items = this.#take()
      try {
        await this.#handle(items)
        this.#settle(
          entry => entry.taken === entry.items.length,
          entry => entry.resolve(),
        )
      } catch (error) {
        this.#settle(
          entry => entry.inHand > 0,
          entry => entry.reject(error),
        )
      }
    }
    this.#settle(
      () => true,
      entry => entry.reject(stopped()),
    )
    this.#running = undefined
  }

  #take(): Item[] {
    const items: Item[] = []
    for (const entry of this.#waiting) {
      entry.inHand = Math.min(entry.items.length - entry.taken, this.#sizeMax - items.length)
      items.push(...entry.items.slice(entry.taken, entry.taken + entry.inHand))
      entry.taken += entry.inHand
    }
    return items
  }

  #settle(isDone: (entry: Entry<Item>) => boolean, tell: (entry: Entry<Item>) => void): void {
    const done = this.#waiting.filter(isDone)
    this.#waiting = this.#waiting.filter(entry => !done.includes(entry))
    done.forEach(tell)
  }
}

const stopped = () => new Error('stopped before it was handled; it comes again')
