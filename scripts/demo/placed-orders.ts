export type Settled = { finished: number; cancelled: number; unsettled: string[]; spentMinor: bigint }

/** What was placed and how it ended; knows nothing of where the news comes from. */
export class PlacedOrders {
  readonly latenciesMs: number[] = []
  readonly #open = new Map<string, { amountMinor: bigint; dueAt: number }>()
  /** Settled before the answer to their own POST had arrived. */
  readonly #early = new Map<string, { status: string; at: number }>()
  #finished = 0
  #cancelled = 0
  #spentMinor = 0n
  #lastSettledAt = 0

  placed(orderId: string, amountMinor: bigint, dueAt: number): void {
    this.#open.set(orderId, { amountMinor, dueAt })
    const early = this.#early.get(orderId)
    if (!early) return
    this.#early.delete(orderId)
    this.settled(orderId, early.status, early.at)
  }

  /** Repeated news of one order counts once. */
  settled(orderId: string, status: string, at: number): void {
    if (status !== 'FINISHED' && status !== 'CANCELLED') return
    const order = this.#open.get(orderId)
    if (!order) {
      this.#early.set(orderId, { status, at })
      return
    }
    this.#open.delete(orderId)
    this.latenciesMs.push(at - order.dueAt)
    this.#lastSettledAt = Math.max(this.#lastSettledAt, at)
    if (status === 'CANCELLED') {
      this.#cancelled++
      return
    }
    this.#finished++
    this.#spentMinor += order.amountMinor
  }

  get settledCount(): number {
    return this.#finished + this.#cancelled
  }

  get lastSettledAt(): number {
    return this.#lastSettledAt
  }

  get outcome(): Settled {
    return {
      finished: this.#finished,
      cancelled: this.#cancelled,
      unsettled: [...this.#open.keys()],
      spentMinor: this.#spentMinor,
    }
  }
}

/** Nearest rank; 0 where there is nothing. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0
}
