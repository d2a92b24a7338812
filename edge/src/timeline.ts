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

const Discarded = Type.Object(
  {
    service: Type.String({ description: 'Where it was discarded', examples: ['payments-service'] }),
    at: Type.String({ format: 'date-time' }),
    act: Type.String({ description: "Id of the act in that service's `operator_acts`", examples: ['3'] }),
    dead_letter: Type.String({
      description: 'As `npm run dead-letters -- show` takes it, which tells who discarded it, and why',
      examples: ['payments/12'],
    }),
    detail: Type.String({ description: 'What it means for the order, and what to do' }),
  },
  {
    description:
      'Where an operator discarded the message from which the next hop would come: it does not come by itself',
  },
)
export type Discarded = Static<typeof Discarded>

/** What one service knows of an order's way: its own hops, happened or pending. The gateway joins them. */
export const Timeline = Type.Object({
  order_id: Type.String({ format: 'uuid' }),
  hops: Type.Array(Hop),
  discarded: Type.Optional(Discarded),
})
export type Timeline = Static<typeof Timeline>
