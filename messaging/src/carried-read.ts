import { firstPage, type Page, type PageBounds, windowQuery } from './claim-window.ts'
import type { Rider } from './commits.ts'

/** A commit is waited for so long: longer than one takes, shorter than anybody notices. */
const waitMsMax = 50

/** The read of the next window that a commit has taken along, one at a time. */
export class CarriedRead {
  #page: Promise<Page | undefined> | undefined

  /** Under way, or here and not taken yet. */
  get isThere(): boolean {
    return this.#page !== undefined
  }

  /** For a commit to take along. `onAnswer` hears whether there is a page to take. */
  send(from: string, bounds: PageBounds, onAnswer: (isBrought: boolean) => void): Rider {
    const { promise, resolve } = Promise.withResolvers<Page | undefined>()
    this.#page = promise
    return {
      ...windowQuery(from, bounds),
      onAnswer: rows => {
        resolve(rows && firstPage(from, rows, bounds))
        onAnswer(rows !== undefined && this.#page === promise)
      },
    }
  }

  /** Waits for one that is under way: read beside it, every second row was read twice at full load. */
  async take(): Promise<Page | undefined> {
    if (!this.#page) return undefined
    // The transaction may wait for another before it commits, or its connection hang. An abort would be an error with
    // its stack for each commit: a twentieth of what a service worked.
    const tooLong = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => tooLong.resolve(undefined), waitMsMax)
    const page = await Promise.race([this.#page, tooLong.promise])
    clearTimeout(timer)
    this.#page = undefined
    return page
  }

  forget(): void {
    this.#page = undefined
  }
}
