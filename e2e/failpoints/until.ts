import { setTimeout as sleep } from 'node:timers/promises'

const retryAfterMs = 20

/** Bounded by the test's own time. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(() => false))) await sleep(retryAfterMs)
}
