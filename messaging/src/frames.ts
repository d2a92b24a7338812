const sizeBytes = 4
/** An answer begins with the id of its request. */
const answerBytesMin = 4

/** Puts the answers of a Kafka broker together again: each is its size, in four bytes, and that many bytes. Pure. */
export class Frames {
  #chunks: Buffer[] = []
  #buffered = 0
  /** Nothing is whole before so many bytes are there. */
  #needed = sizeBytes

  /** Those that are whole now, one after the other. Throws RangeError at a size that no answer has. */
  add(chunk: Buffer): { bytes: Buffer; count: number } {
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    if (this.#buffered < this.#needed) return { bytes: Buffer.alloc(0), count: 0 }
    const bytes = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : chunk
    let [end, count] = [0, 0]
    this.#needed = sizeBytes
    while (bytes.length - end >= sizeBytes) {
      const answerBytes = bytes.readInt32BE(end)
      if (answerBytes < answerBytesMin) {
        throw new RangeError(`an answer of ${answerBytes} bytes: this is no Kafka broker`)
      }
      const size = sizeBytes + answerBytes
      if (bytes.length - end < size) {
        this.#needed = size
        break
      }
      end += size
      count++
    }
    const rest = bytes.subarray(end)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#buffered = rest.length
    return { bytes: bytes.subarray(0, end), count }
  }
}
