import type { Kysely } from 'kysely'
import { countOpenDeadLetters, readOutboxBacklog } from 'messaging/backlog'
import { type Static, Type } from 'typebox'

/** What every service tells of its engine in `GET /stats`. */
export const EngineStats = Type.Object({
  service: Type.String({ examples: ['orders-service'] }),
  at: Type.String({ format: 'date-time', description: 'When this was read; shared for up to a second' }),
  outbox: Type.Object(
    {
      waiting: Type.Integer({ description: 'Committed more than 2 s ago and not known to be published' }),
      oldest_age_ms: Type.Unsafe<number | null>({ type: ['number', 'null'] }),
      is_capped: Type.Boolean({ description: 'There are more than were counted' }),
    },
    { description: 'From the relay’s stored cursor, so the same whichever instance answers' },
  ),
  consumer: Type.Object({
    name: Type.String(),
    lag: Type.Unsafe<number | null>({
      type: ['integer', 'null'],
      description: 'Messages published and not yet handled; null where Kafka does not say',
    }),
  }),
  dead_letters: Type.Object({
    parked: Type.Integer({ description: 'Each waits for a person to redrive or discard it' }),
    waiting: Type.Integer({ description: 'Messages of the same key that wait behind a parked one' }),
  }),
})
export type EngineStats = Static<typeof EngineStats>

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
    within(lagMsMax, consumer.lag()),
  ])
  return {
    service,
    at: new Date().toISOString(),
    outbox: {
      waiting: outbox.waiting,
      oldest_age_ms: outbox.oldestAgeMs,
      is_capped: outbox.isCapped,
    },
    consumer: { name: consumer.name, lag },
    dead_letters: deadLetters,
  }
}

async function within(ms: number, lag: Promise<number>): Promise<number | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>(resolve => {
    timer = setTimeout(resolve, ms, null)
  })
  const known = await Promise.race([lag.catch(() => null), late])
  clearTimeout(timer)
  return known
}
