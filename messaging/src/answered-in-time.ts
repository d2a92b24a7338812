import { setTimeout as sleep } from 'node:timers/promises'

const answerMsMax = 5_000

/** For a ping. Rejects with what the broker says, or where none has answered by then. */
export async function answeredInTime(answer: Promise<unknown>): Promise<void> {
  const late = new AbortController()
  const tooLate = sleep(answerMsMax, undefined, { signal: late.signal }).then(
    () => Promise.reject(new Error(`no Kafka broker answered within ${answerMsMax} ms`)),
    () => undefined,
  )
  await Promise.race([answer, tooLate]).finally(() => late.abort())
}
