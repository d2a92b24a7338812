import { type Static, Type } from 'typebox'

/** The hops of one order, in the order in which it takes them. `debited` and `declined` exclude each other. */
export const hopNames = [
  'accepted',
  'published',
  'received',
  'debited',
  'declined',
  'result_published',
  'settled',
] as const
export type HopName = (typeof hopNames)[number]

export const Hop = Type.Object({
  hop: Type.Unsafe<HopName>({ type: 'string', enum: [...hopNames] }),
  service: Type.String({ description: 'Whose act it is', examples: ['orders-service'] }),
  at: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    format: 'date-time',
    description: 'null where it has not happened yet, or its record is past its retention',
  }),
  topic: Type.Optional(Type.String({ description: 'Where the message of this hop lies in Kafka' })),
  partition: Type.Optional(Type.Integer()),
  offset: Type.Optional(Type.Integer()),
})
export type Hop = Static<typeof Hop>

/** What one service knows of an order's way: its own hops, happened or pending. The gateway joins them. */
export const Timeline = Type.Object({ order_id: Type.String({ format: 'uuid' }), hops: Type.Array(Hop) })
export type Timeline = Static<typeof Timeline>
