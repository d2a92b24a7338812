import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { sharedClockMs } from '../harness/worker.ts'
import { type Appended, type AppendOrder, keyOf, payloadOf } from './relay-under-test.ts'

const connections = 8

/**
 * Open loop: each append is due at its time, whatever became of those before it. Its sessions end with it, so that
 * PostgreSQL's counters are complete.
 */
export async function appendEvents(
  { database, sql, topic, perSecond, seconds, first }: AppendOrder,
  afterCommit: () => void = () => undefined,
): Promise<Appended> {
  const pool = new pg.Pool({ ...database, max: connections })
  const count = Math.round(perSecond * seconds)
  const committedAtMs = new Float64Array(count)
  const pending = new Set<Promise<void>>()
  let latestMs = 0
  const append = async (index: number) => {
    const event = first + index
    await pool.query({ name: 'append', text: sql, values: [keyOf(event), payloadOf(event), topic] })
    committedAtMs[index] = sharedClockMs()
    afterCommit()
  }
  try {
    const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()))
    for (const client of clients) client.release()
    const startedAt = sharedClockMs()
    for (let index = 0; index < count; ) {
      const now = sharedClockMs() - startedAt
      while (index < count && (index * 1000) / perSecond <= now) {
        latestMs = Math.max(latestMs, now - (index * 1000) / perSecond)
        const appending = append(index++).finally(() => pending.delete(appending))
        pending.add(appending)
      }
      await sleep(1)
    }
    await Promise.all(pending)
  } finally {
    await pool.end()
  }
  return { committedAtMs, latestMs }
}
