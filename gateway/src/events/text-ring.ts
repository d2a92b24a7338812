/**
 * Texts in the order in which they came, as UTF-8 in one buffer that grows as it must: out of the collector's sight, which
 * walks through all strings that are kept again and again. A place in it is the number of bytes that came before it.
 */
export class TextRing {
  #buffer: Buffer
  #first = 0
  #end = 0

  constructor(capacity = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity)
  }

  /** Where the next text begins. */
  get end(): number {
    return this.#end
  }
  get bytes(): number {
    return this.#end - this.#first
  }
  get capacity(): number {
    return this.#buffer.length
  }

  /** The UTF-8 of a text. */
  append(bytes: Buffer): void {
    if (this.bytes + bytes.length > this.capacity) this.#grow(this.bytes + bytes.length)
    this.#put(bytes)
  }

  /** What was appended from one place to another, none of it dropped. */
  read(from: number, to: number): string {
    return this.#slice(from, to).toString()
  }

  dropBefore(place: number): void {
    this.#first = place
  }

  #put(bytes: Buffer): void {
    const at = this.#end % this.capacity
    const copied = bytes.copy(this.#buffer, at)
    bytes.copy(this.#buffer, 0, copied)
    this.#end += bytes.length
  }

  #slice(from: number, to: number): Buffer {
    const at = from % this.capacity
    const over = at + to - from - this.capacity
    if (over <= 0) return this.#buffer.subarray(at, at + to - from)
    return Buffer.concat([this.#buffer.subarray(at), this.#buffer.subarray(0, over)])
  }

  #grow(bytesMin: number): void {
    const held = Buffer.from(this.#slice(this.#first, this.#end))
    this.#buffer = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytesMin)))
    this.#end = this.#first
    this.#put(held)
  }
}
