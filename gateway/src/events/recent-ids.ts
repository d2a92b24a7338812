/** The ids seen last, to tell a repetition. Forgets the oldest of more than `max`. */
export class RecentIds {
  readonly #ids = new Set<string>()
  /** In the order in which they came; the oldest is at `#next`. A Set finds its own oldest only past all it has deleted. */
  readonly #ring: string[] = []
  #next = 0
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** Remembers the id; false when it was known. */
  isNew(id: string): boolean {
    if (this.#ids.has(id)) return false
    const oldest = this.#ring[this.#next]
    if (oldest !== undefined) this.#ids.delete(oldest)
    this.#ids.add(id)
    this.#ring[this.#next] = id
    this.#next = (this.#next + 1) % this.#max
    return true
  }
}
