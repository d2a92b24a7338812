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
