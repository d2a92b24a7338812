import { setTimeout as sleep } from 'node:timers/promises'

/** What was read, or undefined where that failed or takes longer. */
export async function readInTime<Value>(reading: Promise<Value>, msMax: number): Promise<Value | undefined> {
  const late = new AbortController()
  const waited = sleep(msMax, undefined, { signal: late.signal }).catch(() => undefined)
  const value = await Promise.race([reading.catch(() => undefined), waited])
  late.abort()
  return value
}
