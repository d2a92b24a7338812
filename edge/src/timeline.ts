import { type Static, Type } from 'typebox'

/**
 * One hop of an order's way, as each service tells its own part and the gateway joins them. The whole way is
 * accepted, published, received, debited or declined, result_published, settled.
 */
export const Hop = Type.Object(
  {
    hop: Type.Enum([
      'accepted',
      'published',
      'received',
      'debited',
      'declined',
      'result_published',
      'settled',
    ]),
    service: Type.Enum(['orders', 'payments'], { description: 'Where it happened' }),
    at: Type.String({ format: 'date-time', examples: ['2026-01-31T12:00:00.000Z'] }),
    topic: Type.Optional(Type.String()),
    partition: Type.Optional(Type.Integer()),
    offset: Type.Optional(Type.Integer()),
  },
  { description: 'topic, partition and offset stand where the hop is a message' },
)
export type Hop = Static<typeof Hop>
export const Timeline = Type.Array(Hop, { description: 'In the order of the way' })
