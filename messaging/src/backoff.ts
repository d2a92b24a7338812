export type Backoff = { firstMs: number; maxMs: number }

/**
 * How long to wait before attempt `attempt` (0 is the first retry): doubles from firstMs to maxMs, then takes a
 * random part of the upper half of it, so that many instances do not come back in step ("equal jitter").
 * `random` is in [0, 1).
 */
export function backoffMs({ firstMs, maxMs }: Backoff, attempt: number, random: number): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30))
  return ceiling / 2 + (ceiling / 2) * random
}
