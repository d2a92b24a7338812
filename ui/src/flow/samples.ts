import type { Stats } from '../api/model.ts'

/** What a moment looked like; null where a service did not answer, so that its line has a gap there. */
export type Sample = {
  at: number
  ordersWaiting: number | null
  paymentsWaiting: number | null
  ordersLag: number | null
  paymentsLag: number | null
}

const keptMs = 3 * 60_000

export const sampleOf = ({ at, orders, payments }: Stats): Sample => ({
  at: new Date(at).getTime(),
  ordersWaiting: orders?.outbox.waiting ?? null,
  paymentsWaiting: payments?.outbox.waiting ?? null,
  ordersLag: orders?.consumer.lag ?? null,
  paymentsLag: payments?.consumer.lag ?? null,
})

/** Adds a sample once, and forgets those older than three minutes. */
export function withSample(samples: Sample[], sample: Sample): Sample[] {
  if ((samples.at(-1)?.at ?? 0) >= sample.at) return samples
  return [...samples.filter(({ at }) => at > sample.at - keptMs), sample]
}
