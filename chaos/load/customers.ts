import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { decimalFromMinor } from 'edge/money'
import { type Draw, drawFrom } from '../random.ts'
import type { Attempt, History } from './history.ts'

export type LoadSettings = {
  gatewayUrl: string
  history: History
  seed: number
  customers: number
  /** Orders and balance changes a second, of all customers together, while everything answers. */
  rate: number
}

const answerMsMax = 8_000
const retryMs = 200
const openingMinor = 40_000n
/** How often a request without an answer is sent again before its customer lets it be: then its outcome is unknown. */
const triesMax = 4

type Asked = Pick<Attempt, 'op' | 'act' | 'user' | 'amount'> & { key: string | undefined }

/**
 * Customers who each ask for one thing after another, and write down what they were told. About half of what they
 * order is affordable. What they ask for follows from the seed; when, from how fast they are answered.
 */
export class Customers {
  readonly #settings: LoadSettings
  readonly #leaving = new AbortController()
  #shopping: Promise<void>[] = []
  #open = true
  #opened = Promise.withResolvers<void>()
  acknowledged = 0
  users: number[] = []

  constructor(settings: LoadSettings) {
    this.#settings = settings
  }

  async enter(): Promise<void> {
    const { customers, seed } = this.#settings
    for (let i = 0; i < customers; i++) {
      // New ones at every run: a system may be used again.
      const user = randomInt(1, 2 ** 47)
      this.users.push(user)
      await this.#ask({
        op: randomUUID(),
        act: 'open_account',
        user,
        amount: String(openingMinor),
        key: undefined,
      })
      this.#shopping.push(this.#shop(user, drawFrom(seed + i + 1)))
    }
  }

  /** Each finishes what it is asking for; resolves when all wait. */
  async pause(): Promise<void> {
    this.#open = false
    this.#opened = Promise.withResolvers<void>()
    while (this.#asking > 0) await sleep(50)
  }

  resume(): void {
    this.#open = true
    this.#opened.resolve()
  }

  async leave(): Promise<void> {
    this.#leaving.abort()
    this.resume()
    await Promise.all(this.#shopping)
  }

  #asking = 0

  async #shop(user: number, draw: Draw): Promise<void> {
    const { customers, rate } = this.#settings
    const pauseMs = (customers * 1000) / rate
    while (!this.#leaving.signal.aborted) {
      if (!this.#open) {
        await this.#opened.promise
        continue
      }
      const startedAt = performance.now()
      this.#asking++
      try {
        await this.#askUntilKnown(nextWish(user, draw), draw)
      } finally {
        this.#asking--
      }
      const restMs = pauseMs * (0.5 + draw.random()) - (performance.now() - startedAt)
      if (restMs > 0) await sleep(restMs, undefined, { signal: this.#leaving.signal }).catch(() => undefined)
    }
  }

  /** The key makes it safe to ask again. Without one there is one attempt. */
  async #askUntilKnown(asked: Asked, draw: Draw): Promise<void> {
    // Some have no patience, so that some outcomes stay unknown.
    const tries = asked.key === undefined ? 1 : draw.between(1, triesMax)
    // Some ask once more for what they have been told, and must be told the same.
    const asksAgain = asked.key !== undefined && draw.chance(0.05)
    for (let attempt = 1; attempt <= tries; attempt++) {
      const outcome = await this.#ask(asked)
      if (outcome === 'ok') {
        if (asksAgain) await this.#ask(asked)
        return
      }
      if (outcome === 'refused') return
      await sleep(retryMs)
    }
  }

  async #ask({ key, ...asked }: Asked): Promise<Attempt['outcome']> {
    const from = Date.now()
    const told = await this.#send({ key, ...asked })
    this.#settings.history.add({ ...asked, from, to: Date.now(), ...told })
    if (told.outcome === 'ok' && asked.act === 'place_order') this.acknowledged++
    return told.outcome
  }

  async #send({ op, act, user, amount, key }: Asked): Promise<Pick<Attempt, 'outcome' | 'order' | 'why'>> {
    const number = decimalFromMinor(BigInt(amount))
    const [method, path, body] = {
      open_account: ['POST', '/users', { user_id: user, balance: number }] as const,
      place_order: ['POST', '/orders', { user_id: user, amount: number, description: op }] as const,
      change_balance: ['PATCH', `/users/${user}`, { balance_change: number }] as const,
    }[act]
    try {
      const answer = await fetch(this.#settings.gatewayUrl + path, {
        method,
        headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(answerMsMax),
      })
      const told = (await answer.json()) as { id?: string; code?: string }
      if (answer.ok) return { outcome: 'ok', ...(act === 'place_order' && told.id && { order: told.id }) }
      const outcome = isRefusal(answer.status, told.code) ? 'refused' : 'unknown'
      return { outcome, why: `${answer.status} ${told.code}` }
    } catch (error) {
      const { name, cause } = error as Error & { cause?: { code?: string } }
      return { outcome: 'unknown', why: cause?.code ?? name }
    }
  }
}

/** By the contract: a 4xx did nothing, and neither did the two 503 that say so. */
const isRefusal = (status: number, code: string | undefined) => status < 500 || code === 'overloaded'

function nextWish(user: number, draw: Draw): Asked {
  const op = randomUUID()
  const key = draw.chance(0.9) ? op : undefined
  if (draw.chance(0.9)) {
    const amount = draw.pick([1, 1000, 3550, draw.between(1, 12_000)])
    return { op, act: 'place_order', user, amount: String(amount), key }
  }
  const amount = draw.chance(0.8) ? draw.between(1, 50_000) : -draw.between(1, 10_000)
  return { op, act: 'change_balance', user, amount: String(amount), key }
}
