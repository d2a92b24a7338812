import type { Kysely } from 'kysely'
import { countOpenDeadLetters, readOutboxBacklog } from 'messaging/backlog'
import type { EngineStats } from './engine-stats.ts'
import { readInTime } from './read-in-time.ts'

/** A broker that is down must not hold up the numbers that say so. */
const lagMsMax = 1_500

export async function readEngineStats<DB>(
  db: Kysely<DB>,
  service: string,
  consumer: { name: string; lag(): Promise<number> },
): Promise<EngineStats> {
  const [outbox, deadLetters, lag] = await Promise.all([
    readOutboxBacklog(db),
    countOpenDeadLetters(db),
    readInTime(consumer.lag(), lagMsMax),
  ])
  return {
    service,
    at: new Date().toISOString(),
    outbox: {
      waiting: outbox.waiting,
      oldest_age_ms: outbox.oldestAgeMs,
      is_capped: outbox.isCapped,
    },
    consumer: { name: consumer.name, lag: lag ?? null },
    dead_letters: deadLetters,
  }
}
