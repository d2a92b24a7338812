import { connect, type Socket } from 'node:net'

/** Of all connections: what comes is taken out of it at once. */
const inbound = Buffer.allocUnsafeSlow(64 * 1024)

export type Answer = { status: number; head: string; body: string }

/**
 * One kept connection with one request under way at a time. It reads only what the load needs of HTTP, at some
 * 10 µs a request: whoever makes the load shares the machine with what it measures.
 */
export class HttpConnection {
  readonly #socket: Socket
  readonly #head: string
  #received = ''
  #onAnswer: ((answer: Answer | undefined) => void) | undefined

  constructor(url: URL, headers: Record<string, string> = {}) {
    const lines = Object.entries({ host: url.host, 'content-type': 'application/json', ...headers })
    this.#head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const callback = (bytes: number) => {
      this.#take(inbound.toString('latin1', 0, bytes))
      return true
    }
    this.#socket = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: { buffer: inbound, callback },
    })
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => this.#answer(undefined))
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  /** Answers undefined where the connection broke. */
  request(method: string, path: string, body: string, onAnswer: (answer: Answer | undefined) => void): void {
    this.#onAnswer = onAnswer
    if (!this.isOpen) {
      this.#answer(undefined)
      return
    }
    const length = body ? `content-length: ${Buffer.byteLength(body)}\r\n` : ''
    this.#socket.write(`${method} ${path} HTTP/1.1\r\n${this.#head}${length}\r\n${body}`)
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: string): void {
    this.#received += chunk
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const head = this.#received.slice(0, headEnd)
    const length = /content-length: *(\d+)/i.exec(head)?.[1]
    // Without a length the answer comes in chunks, of which the last one is empty.
    const end = length === undefined ? chunkedEnd(this.#received, headEnd + 4) : headEnd + 4 + Number(length)
    if (end < 0 || this.#received.length < end) return
    const body = this.#received.slice(headEnd + 4, end)
    this.#received = this.#received.slice(end)
    this.#answer({ status: Number(head.slice(9, 12)), head, body })
  }

  #answer(answer: Answer | undefined): void {
    const onAnswer = this.#onAnswer
    this.#onAnswer = undefined
    onAnswer?.(answer)
  }
}

function chunkedEnd(text: string, from: number): number {
  const last = text.indexOf('0\r\n\r\n', from)
  return last < 0 ? -1 : last + 5
}
