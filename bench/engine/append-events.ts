import { setTimeout as sleep } from 'node:timers/promises'
import { sharedClockMs } from '../harness/worker.ts'
import type { Appended, AppendOrder } from './relay-under-test.ts'

/** Open loop: each append is due at its time, whatever became of those before it. `append` resolves with its commit. */
export async function appendEvents(
  { perSecond, seconds, first }: AppendOrder,
  append: (event: number) => Promise<unknown>,
): Promise<Appended> {
  const count = Math.round(perSecond * seconds)
  const committedAtMs = new Float64Array(count)
  const pending = new Set<Promise<void>>()
  let latestMs = 0
  const appendTimed = async (index: number) => {
    await append(first + index)
    committedAtMs[index] = sharedClockMs()
  }
  const startedAt = sharedClockMs()
  for (let index = 0; index < count; ) {
    const now = sharedClockMs() - startedAt
    while (index < count && (index * 1000) / perSecond <= now) {
      latestMs = Math.max(latestMs, now - (index * 1000) / perSecond)
      const appending = appendTimed(index++).finally(() => pending.delete(appending))
      pending.add(appending)
    }
    await sleep(1)
  }
  await Promise.all(pending)
  return { committedAtMs, latestMs }
}
