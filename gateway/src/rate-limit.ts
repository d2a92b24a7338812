/**
 * A token bucket for each client: `perSecond` requests at once, and as many a second for ever after. A steady
 * client at exactly its rate is never refused, however its requests jitter; a window that is counted and
 * reset (as @fastify/rate-limit's) refuses some of them.
 * Remembers the `clientsMax` clients seen last; a forgotten one starts with a full bucket.
 */
export class RateLimit {
  readonly #perMs: number
  readonly #burst: number
  readonly #clientsMax: number
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>()

  constructor(perSecond: number, clientsMax = 10_000) {
    this.#perMs = perSecond / 1_000
    this.#burst = perSecond
    this.#clientsMax = clientsMax
  }

  /** 0 when the request may pass, else the milliseconds until the next one may. `nowMs` never goes back. */
  take(client: string, nowMs: number): number {
    const bucket = this.#buckets.get(client) ?? { tokens: this.#burst, atMs: nowMs }
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (nowMs - bucket.atMs) * this.#perMs)
    bucket.atMs = nowMs
    this.#remember(client, bucket)
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.#perMs
    bucket.tokens--
    return 0
  }

  /** A Map keeps the order of insertion, so the first key is the client seen longest ago. */
  #remember(client: string, bucket: { tokens: number; atMs: number }): void {
    this.#buckets.delete(client)
    this.#buckets.set(client, bucket)
    if (this.#buckets.size <= this.#clientsMax) return
    const [oldest] = this.#buckets.keys()
    if (oldest !== undefined) this.#buckets.delete(oldest)
  }
}
