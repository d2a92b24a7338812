import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

const attemptsMax = 60
const retryMsMin = 100
const requestMsMax = 15_000

type Json = Record<string, unknown>
type Answer = { status: number; body: Json }

/** The public API as one client sees it: connections are kept, and what may be tried again is. */
export class ShopApi {
  readonly #pool: Pool

  constructor(gatewayUrl: string, connections: number) {
    this.#pool = new Pool(gatewayUrl, {
      connections,
      headersTimeout: requestMsMax,
      bodyTimeout: requestMsMax,
    })
  }

  get(path: string): Promise<Answer> {
    return this.#request('GET', path)
  }

  post(path: string, body: Json, idempotencyKey?: string): Promise<Answer> {
    return this.#request('POST', path, body, idempotencyKey)
  }

  patch(path: string, body: Json, idempotencyKey: string): Promise<Answer> {
    return this.#request('PATCH', path, body, idempotencyKey)
  }

  close(): Promise<void> {
    return this.#pool.destroy()
  }

  /** Answers 2xx only. Too many requests, 503 and broken connections are tried again: the key makes that safe. */
  async #request(method: 'GET' | 'POST' | 'PATCH', path: string, body?: Json, key?: string): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#requestOnce(method, path, body, key)
      if ('status' in answer && answer.status < 300) return answer
      const canRepeat = method === 'GET' || key !== undefined
      const isPassing = 'error' in answer || answer.status === 429 || answer.status >= 500
      if (!canRepeat || !isPassing || attempt >= attemptsMax) {
        const why =
          'error' in answer ? answer.error.message : `${answer.status} ${JSON.stringify(answer.body)}`
        throw new Error(`${method} ${path} failed: ${why}`)
      }
      await sleep('retryAfterMs' in answer ? answer.retryAfterMs : retryMsMin)
    }
  }

  async #requestOnce(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    body?: Json,
    key?: string,
  ): Promise<(Answer & { retryAfterMs: number }) | { error: Error }> {
    try {
      const response = await this.#pool.request({
        method,
        path,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(key && { 'idempotency-key': key }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      const retryAfterMs = Math.max(retryMsMin, Number(response.headers['retry-after'] ?? 0) * 1000)
      return { status: response.statusCode, body: (await response.body.json()) as Json, retryAfterMs }
    } catch (error) {
      return { error: error as Error }
    }
  }
}
