import { placeOrder } from '../api/gateway.ts'
import type { Order } from '../api/model.ts'
import { RequestFailed } from '../api/request.ts'
import { newKey } from './new-key.ts'
import { beginPlacement, type Draft, endPlacement, type Placement, unanswered } from './placement.ts'

export type OnItsWay = Placement & {
  /** `unanswered`: sent, and it is not known whether it was placed; it is kept and can be sent again. */
  state: 'sending' | 'unanswered'
  attempts: number
  problem?: string
}
export type Placed =
  | { kind: 'placed'; order: Order }
  | { kind: 'refused'; error: RequestFailed }
  | { kind: 'unanswered' }

const attemptsMax = 6
const pauseMs = (attempt: number) => Math.min(8_000, 500 * 2 ** attempt)

type Dependencies = {
  store: Storage
  place?: typeof placeOrder
  pause?: (ms: number) => Promise<void>
  onPlaced(order: Order): void
}

/**
 * Sends orders and sends them again until they are answered, under the key that each had from its start. Lives as
 * long as the app, so that leaving the page ends nothing.
 */
export class PlacementDesk {
  readonly #dependencies: Required<Dependencies>
  readonly #running = new Map<string, Promise<Placed>>()
  readonly #listeners = new Set<() => void>()
  #onTheirWay: OnItsWay[] = []

  constructor(dependencies: Dependencies) {
    const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
    this.#dependencies = { place: placeOrder, pause, ...dependencies }
  }

  /** The same draft while it is unanswered is the same order. */
  place(draft: Draft): Promise<Placed> {
    return this.#send(beginPlacement(this.#dependencies.store, draft, newKey, new Date()))
  }

  /** Sends what the page was waiting for when it was closed or reloaded. */
  resume(): void {
    for (const placement of unanswered(this.#dependencies.store)) void this.#send(placement)
  }

  get onTheirWay(): OnItsWay[] {
    return this.#onTheirWay
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #send(placement: Placement): Promise<Placed> {
    const running = this.#running.get(placement.key)
    if (running) return running
    const sending = this.#sendUntilAnswered(placement).finally(() => this.#running.delete(placement.key))
    this.#running.set(placement.key, sending)
    return sending
  }

  async #sendUntilAnswered(placement: Placement): Promise<Placed> {
    const { store, place, pause, onPlaced } = this.#dependencies
    const draft = {
      userId: placement.userId,
      amountMinor: BigInt(placement.amountMinor),
      description: placement.description,
    }
    let problem: string | undefined
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      this.#show({ ...placement, state: 'sending', attempts: attempt + 1, ...(problem && { problem }) })
      try {
        const order = await place(draft, placement.key)
        endPlacement(store, placement.key)
        onPlaced(order)
        this.#hide(placement.key)
        return { kind: 'placed', order }
      } catch (error) {
        if (!(error instanceof RequestFailed)) throw error
        if (!error.isTransient) {
          endPlacement(store, placement.key)
          this.#hide(placement.key)
          return { kind: 'refused', error }
        }
        problem = error.message
      }
      if (attempt + 1 < attemptsMax) await pause(pauseMs(attempt))
    }
    this.#show({ ...placement, state: 'unanswered', attempts: attemptsMax, ...(problem && { problem }) })
    return { kind: 'unanswered' }
  }

  #show(shown: OnItsWay): void {
    const rest = this.#onTheirWay.filter(({ key }) => key !== shown.key)
    this.#change([...rest, shown])
  }

  #hide(key: string): void {
    this.#change(this.#onTheirWay.filter(placement => placement.key !== key))
  }

  #change(onTheirWay: OnItsWay[]): void {
    this.#onTheirWay = onTheirWay
    for (const listener of this.#listeners) listener()
  }
}
