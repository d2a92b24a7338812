import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

export type Request = {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT'
  path: string
  headers: Record<string, string>
  body?: Buffer | undefined
}
export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer }
export type Outcome = ({ kind: 'answered' } & Answer) | { kind: 'unavailable'; reason: string }
export type Upstream = {
  name: string
  /** Never rejects and never takes longer than the timeout. Nothing is sent twice, whatever the method. */
  ask(request: Request, timeoutMs?: number): Promise<Outcome>
  close(): Promise<void>
}

/** One connection carries one request at a time; 64 of them at 2 ms each carry 32,000 requests a second. */
const connectionsMax = 64
/** Requests waiting or in flight: past this an upstream that hangs would only pile up work. */
const requestsMax = 2_048
/** Lists are bounded at 200 rows; an answer is kept whole so that one cut short is a 503 and no broken 200. */
const answerBytesMax = 4 * 1024 * 1024

export function openUpstream(name: string, origin: string, timeoutMsDefault: number): Upstream {
  const pool = new Pool(origin, {
    connections: connectionsMax,
    pipelining: 1,
    connect: { timeout: timeoutMsDefault },
    keepAliveTimeout: 30_000,
    // The timer below bounds the whole exchange; undici's would tick beside it.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  let pending = 0
  return {
    name,
    ask(request, timeoutMs = timeoutMsDefault) {
      if (pending >= requestsMax) {
        return Promise.resolve({ kind: 'unavailable', reason: `${requestsMax} requests are waiting` })
      }
      pending++
      return new Promise(resolve => {
        const exchange = new Exchange(timeoutMs, outcome => {
          pending--
          resolve(outcome)
        })
        try {
          pool.dispatch(request as Dispatcher.DispatchOptions, exchange)
        } catch (error) {
          exchange.onResponseError(undefined, error as Error)
        }
      })
    },
    close: () => (pool.destroyed ? Promise.resolve() : pool.destroy()),
  }
}

/** One request and its answer, settled exactly once: answered, failed or timed out. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #settle: (outcome: Outcome) => void
  readonly #timer: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | undefined
  #settled = false
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(timeoutMs: number, settle: (outcome: Outcome) => void) {
    this.#settle = settle
    this.#timer = setTimeout(() => this.#giveUp(`no answer within ${timeoutMs} ms`), timeoutMs)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Given up while it waited for a connection: it must not be sent any more.
    if (this.#settled) controller.abort(new Error('given up'))
  }

  onResponseStart(_controller: unknown, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > answerBytesMax) this.#giveUp(`an answer of more than ${answerBytesMax} bytes`)
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const [only = Buffer.alloc(0)] = this.#chunks
    const body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks, this.#bytes) : only
    this.#done({ kind: 'answered', status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: unknown, error: Error & { code?: string }): void {
    this.#done({ kind: 'unavailable', reason: error.code ?? error.message })
  }

  #giveUp(reason: string): void {
    this.#done({ kind: 'unavailable', reason })
    this.#controller?.abort(new Error(reason))
  }

  #done(outcome: Outcome): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#timer)
    this.#settle(outcome)
  }
}
