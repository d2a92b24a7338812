import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { newUserId, type Order, ShopClient } from './shop-client.ts'

/** What a customer knows: these orders were acknowledged, in this order for each user. */
export type Acknowledged = Map<number, Order[]>

const retryAfterMs = 50
const openingBalance = 400
const answerMsMax = 10_000

/**
 * Customers who keep placing orders one after another, whatever happens to the system: without an answer, or with a
 * 5xx, they ask again with the same Idempotency-Key until they know. About half of what they ask for is affordable.
 */
export class SteadyCustomers {
  readonly #gatewayUrl: string
  readonly #shop: ShopClient
  readonly acknowledged: Acknowledged = new Map()
  readonly #leaving = new AbortController()
  #shopping: Promise<void>[] = []
  retries = 0

  constructor(gatewayUrl: string) {
    this.#gatewayUrl = gatewayUrl
    this.#shop = new ShopClient(gatewayUrl)
  }

  async enter(count: number, pauseMs = 20): Promise<void> {
    for (let i = 0; i < count; i++) {
      const userId = newUserId()
      await this.#shop.openAccount(userId, openingBalance)
      this.acknowledged.set(userId, [])
      this.#shopping.push(this.#goShopping(userId, pauseMs))
    }
  }

  /** They get the answer they are waiting for, and go. */
  async leave(): Promise<void> {
    this.#leaving.abort()
    await Promise.all(this.#shopping)
  }

  get orders(): Order[] {
    return [...this.acknowledged.values()].flat()
  }

  async #goShopping(userId: number, pauseMs: number): Promise<void> {
    for (let i = 0; !this.#leaving.signal.aborted; i++) {
      const amount = [10, 0.01, 35.5, 120][i % 4] as number
      this.acknowledged.get(userId)?.push(await this.#placeUntilAnswered(userId, amount))
      await sleep(pauseMs)
    }
  }

  async #placeUntilAnswered(user_id: number, amount: number): Promise<Order> {
    const key = randomUUID()
    for (;;) {
      try {
        const answer = await fetch(`${this.#gatewayUrl}/orders`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body: JSON.stringify({ user_id, amount }),
          signal: AbortSignal.timeout(answerMsMax),
        })
        const body = (await answer.json()) as Order
        if (answer.status === 201) return body
        if (answer.status < 500) throw new RefusedError(`${answer.status} ${JSON.stringify(body)}`)
      } catch (error) {
        if (error instanceof RefusedError) throw error
      }
      this.retries++
      await sleep(retryAfterMs)
    }
  }
}

class RefusedError extends Error {}
