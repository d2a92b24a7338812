import { failpointsOf } from './failpoint.ts'
import type { Log } from './log.ts'

const failpoint = failpointsOf<'offsets.committing' | 'offsets.committed'>()

type Due = { topic: string; partition: number; offset: bigint }
type Commit = (due: Due[]) => Promise<unknown>

/** Commits offsets behind the work: late is harmless, early never happens. */
export class OffsetCommits {
  readonly #send: Commit
  readonly #log: Log
  #due = new Map<string, Due>()
  #underWay: Promise<void> | undefined

  constructor(send: Commit, log: Log) {
    this.#send = send
    this.#log = log
  }

  /** All of the partition before offset `next` is handled. */
  handled(topic: string, partition: number, next: bigint): void {
    this.#due.set(`${topic}/${partition}`, { topic, partition, offset: next })
  }

  /** What is fetched from now on is counted from what is committed, and partitions may belong to others. */
  forget(): void {
    this.#due.clear()
  }

  /** One request at a time: an older one that is repeated late would put a newer one back. Never rejects. */
  commit(): Promise<void> {
    this.#underWay ??= this.#commit().finally(() => {
      this.#underWay = undefined
    })
    return this.#underWay
  }

  /** Also what was handled since the request under way was sent. */
  async commitAll(): Promise<void> {
    await this.#underWay
    await this.commit()
  }

  async #commit(): Promise<void> {
    if (this.#due.size === 0) return
    const due = this.#due
    this.#due = new Map()
    try {
      await failpoint('offsets.committing')
      await this.#send([...due.values()])
      await failpoint('offsets.committed')
    } catch (err) {
      // Expected in a rebalance or while the broker is away: tried again with the next ones.
      this.#log.debug({ err }, 'offsets not committed')
      this.#due = new Map([...due, ...this.#due])
    }
  }
}
