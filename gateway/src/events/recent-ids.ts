import { hash } from 'node:crypto'

const none = -1
const bytesEach = 16
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * The ids seen last, to tell a repetition. Forgets the oldest of more than `max`, at least 1. Of each it keeps 128 bits, those
 * of a UUID or of another id's SHA-256, in memory of fixed size: as strings in a Set, those of six partitions were a fifth of the gateway's live
 * heap, which the collector marks again and again.
 */
export class RecentIds {
  readonly #max: number
  /** A ring, in the order in which they came. */
  readonly #digests: Buffer
  /** Of each bucket the one that came last, and of each the one before it in its bucket. */
  readonly #lasts: Int32Array
  readonly #befores: Int32Array
  #count = 0
  readonly #digest = Buffer.alloc(bytesEach)

  constructor(max: number) {
    this.#max = max
    this.#digests = Buffer.alloc(max * bytesEach)
    this.#lasts = new Int32Array(max).fill(none)
    this.#befores = new Int32Array(max)
  }

  /** Remembers the id; false when it was known. */
  isNew(id: string): boolean {
    const digest = this.#digest
    if (uuid.test(id)) digest.write(id.replaceAll('-', ''), 'hex')
    else hash('sha256', id, 'buffer').copy(digest)
    const bucket = this.#bucketOf(digest, 0)
    for (let at = this.#lasts[bucket]!; at !== none; at = this.#befores[at]!) {
      if (digest.compare(this.#digests, at * bytesEach, (at + 1) * bytesEach) === 0) return false
    }
    const at = this.#count++ % this.#max
    if (this.#count > this.#max) this.#forget(at)
    digest.copy(this.#digests, at * bytesEach)
    this.#befores[at] = this.#lasts[bucket]!
    this.#lasts[bucket] = at
    return true
  }

  /** By its end: a UUIDv7 begins with the time. */
  #bucketOf(digests: Buffer, at: number): number {
    return digests.readUInt32LE((at + 1) * bytesEach - 4) % this.#max
  }

  /** The oldest of all, hence the first of its bucket. */
  #forget(oldest: number): void {
    const bucket = this.#bucketOf(this.#digests, oldest)
    let after = none
    for (let at = this.#lasts[bucket]!; at !== oldest; at = this.#befores[at]!) after = at
    if (after === none) this.#lasts[bucket] = none
    else this.#befores[after] = none
  }
}
