import type { IncomingHttpHeaders } from 'node:http'
import { performance } from 'node:perf_hooks'
import { type Dispatcher, Pool } from 'undici'

export type Request = {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT'
  path: string
  headers: Record<string, string>
  body?: Buffer | undefined
}
export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer | string }
export type Outcome =
  | ({ kind: 'answered' } & Answer)
  /** `isOverloaded`: it was not sent, since too much is waiting already. */
  | { kind: 'unavailable'; reason: string; isOverloaded?: true }
export type Upstream = {
  name: string
  /** Why a request would not be sent now; undefined while there is room. Costs next to nothing to ask. */
  whyRefused(): string | undefined
  /** Refuses, or begins what leads to an outcome, and counts it as waiting or in flight until that is there. */
  admit(begin: () => Promise<Outcome>): Promise<Outcome>
  /** For what is admitted already. */
  send(request: Request, timeoutMs?: number): Promise<Outcome>
  /** Sends what it admits. Never rejects and never takes longer than the timeout. Nothing is sent twice, whatever the method. */
  ask(request: Request, timeoutMs?: number): Promise<Outcome>
  /** The same, past all that waits: for how the service does, which is asked most when it has too much to do. */
  askAside(request: Request, timeoutMs?: number): Promise<Outcome>
  close(): Promise<void>
}
type Lane = Pick<Upstream, 'whyRefused' | 'admit' | 'send' | 'ask' | 'close'>
type LaneLimits = { connectionsMax: number; requestsMax: number; waitMsMax: number }

/**
 * One connection carries one request at a time, and orders that share a transaction are answered together: so of those
 * that travel alone no more than this many can share one. 256 settle no more.
 */
const connectionsMax = 128
/**
 * Requests waiting or in flight: room for a client with 512 connections. Each one more costs all the others, since what
 * waits is what the collector copies; past this an upstream that hangs would only pile up work.
 */
const requestsMax = 640
/**
 * When the first in the queue has waited for this long, whoever comes is refused at once: at twice what can be settled
 * a queue bounded by number alone made everybody wait until the timeout, and then nobody was told in time.
 */
const waitMsMaxDefault = 1_000
const asideLimits = { connectionsMax: 16, requestsMax: 64, waitMsMax: waitMsMaxDefault }
/** Lists are bounded at 200 rows; an answer is kept whole so that one cut short is a 503 and no broken 200. */
const answerBytesMax = 4 * 1024 * 1024

export function openUpstream(
  name: string,
  origin: string,
  timeoutMsDefault: number,
  waitMsMax = waitMsMaxDefault,
): Upstream {
  const main = openLane(origin, timeoutMsDefault, { connectionsMax, requestsMax, waitMsMax })
  const aside = openLane(origin, timeoutMsDefault, asideLimits)
  return {
    ...main,
    name,
    askAside: aside.ask,
    close: async () => void (await Promise.all([main.close(), aside.close()])),
  }
}

function openLane(
  origin: string,
  timeoutMsDefault: number,
  { connectionsMax, requestsMax, waitMsMax }: LaneLimits,
): Lane {
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
  /** Not sent yet, or given up meanwhile: undici keeps those, with their bodies, until there is a connection. */
  let held = 0
  /**
   * In the order they came; the first one waits to be sent. No Map: of one that is added to and deleted from, each table
   * points to the next one, so that once one is old the young collector keeps what was in all that follow.
   */
  const unsent: Exchange[] = []
  function whyRefused(): string | undefined {
    if (pending >= requestsMax || held >= requestsMax) return `${requestsMax} requests are waiting`
    const [oldest] = unsent
    if (oldest !== undefined && performance.now() - oldest.askedAt > waitMsMax)
      return `requests have waited for over ${waitMsMax} ms`
    return undefined
  }
  function forgetSent(): void {
    while (unsent[0] && !unsent[0].isWaiting) unsent.shift()
  }
  async function admit(begin: () => Promise<Outcome>): Promise<Outcome> {
    const reason = whyRefused()
    if (reason !== undefined) return { kind: 'unavailable', reason, isOverloaded: true }
    pending++
    try {
      return await begin()
    } finally {
      pending--
    }
  }
  const send: Lane['send'] = (request, timeoutMs = timeoutMsDefault) =>
    new Promise(resolve => {
      const exchange: Exchange = new Exchange(timeoutMs, {
        onLetGo() {
          held--
          forgetSent()
        },
        settle(outcome) {
          forgetSent()
          resolve(outcome)
        },
      })
      unsent.push(exchange)
      held++
      try {
        pool.dispatch(request as Dispatcher.DispatchOptions, exchange)
      } catch (error) {
        exchange.onResponseError(undefined, error as Error)
      }
    })
  return {
    whyRefused,
    admit,
    send,
    ask: (request, timeoutMs) => admit(() => send(request, timeoutMs)),
    close: () => (pool.destroyed ? Promise.resolve() : pool.destroy()),
  }
}

type Listener = { onLetGo(): void; settle(outcome: Outcome): void }

/** One request and its answer, settled exactly once: answered, failed or timed out. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly askedAt = performance.now()
  readonly #listener: Listener
  readonly #timer: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | undefined
  #isHeld = true
  #settled = false
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(timeoutMs: number, listener: Listener) {
    this.#listener = listener
    this.#timer = setTimeout(() => this.#giveUp(`no answer within ${timeoutMs} ms`), timeoutMs)
  }

  /** To be sent: undici has it, and nobody has given it up. */
  get isWaiting(): boolean {
    return this.#isHeld && !this.#settled
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#letGo()
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
    this.#letGo()
    this.#done({ kind: 'unavailable', reason: error.code ?? error.message })
  }

  #letGo(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#listener.onLetGo()
  }

  #giveUp(reason: string): void {
    this.#done({ kind: 'unavailable', reason })
    this.#controller?.abort(new Error(reason))
  }

  #done(outcome: Outcome): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#timer)
    this.#listener.settle(outcome)
  }
}
