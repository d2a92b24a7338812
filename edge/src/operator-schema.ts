import { type Static, Type } from 'typebox'

/** What the operator API of each service says; also the types of the command line and of the UI's page. */

const nullable = <Value>(type: string) => Type.Unsafe<Value | null>({ type: [type, 'null'] })
const Time = Type.String({ format: 'date-time' })
const Id = Type.String({
  description: 'A whole number, as text: it may be larger than a JSON number carries exactly',
})

export const LetterPayload = Type.Object({
  encoding: Type.Enum(['utf-8', 'base64'], { description: 'base64 where the bytes are no text' }),
  text: Type.String(),
  bytes: Type.Integer(),
  is_cut: Type.Boolean({ description: 'Lists carry the beginning; ask for the one letter to see all' }),
})

const letter = {
  id: Id,
  service: Type.String({ examples: ['payments'] }),
  consumer: Type.String(),
  event_id: Type.String(),
  topic: Type.String(),
  partition: Type.Integer(),
  offset: Type.String(),
  key: nullable<string>('string'),
  state: Type.Enum(['parked', 'waiting', 'redriven', 'discarded']),
  reason: nullable<string>('string'),
  attempts: Type.Integer(),
  published_at: Time,
  payload: Type.Union([LetterPayload, Type.Null()]),
}
export const Letter = Type.Object(letter)
export const ParkedLetter = Type.Object({
  ...letter,
  parked_at: Time,
  waiting: Type.Integer({
    description: 'Later messages of the same key, which wait until this one is dealt with',
  }),
})

export const Act = Type.Object({
  id: Id,
  at: Time,
  who: Type.String(),
  why: nullable<string>('string'),
  act: Type.Enum(['redrive', 'discard', 'replay']),
  outcome: Type.Enum(['begun', 'done', 'failed']),
  dead_letter_id: nullable<string>('string'),
  event_id: nullable<string>('string'),
  topic: nullable<string>('string'),
  key: nullable<string>('string'),
  detail: Type.Unsafe<Record<string, unknown> | null>({
    type: ['object', 'null'],
    additionalProperties: true,
  }),
})

export const LetterInFull = Type.Object({
  ...letter,
  headers: Type.Record(Type.String(), Type.String()),
  behind: Type.Array(Letter, {
    description: 'The first that wait behind it, in the order in which they will run',
  }),
  acts: Type.Array(Act),
})

export const Preview = Type.Object({
  steps: Type.Array(
    Type.Object({
      id: Id,
      event_id: Type.String(),
      offset: Type.String(),
      outcome: Type.Enum(['handled', 'discarded', 'failed', 'parked', 'not_tried']),
      reason: nullable<string>('string'),
    }),
    { description: 'In the order in which they would run' },
  ),
  changes: Type.Array(
    Type.Object({
      table: Type.String(),
      inserted: Type.Integer(),
      updated: Type.Integer(),
      deleted: Type.Integer(),
    }),
  ),
  events: Type.Array(
    Type.Object({
      topic: Type.String(),
      key: nullable<string>('string'),
      type: Type.String(),
      aggregate_id: Type.String(),
      payload: Type.String(),
    }),
  ),
  is_capped: Type.Boolean({ description: 'More wait behind these than were tried' }),
})

export const ActOutcome = Type.Object({
  outcome: Type.Enum(['released', 'parked', 'failed'], {
    description:
      'released: done, and the key is free. parked: one that waited behind is poison itself and is parked now, as `parked_id`. failed: still poison, nothing has changed.',
  }),
  handled: Type.Integer(),
  parked_id: Type.Optional(Id),
  reason: Type.Optional(Type.String()),
})

const words = (description: string) =>
  Type.String({ maxLength: 500, pattern: '\\S', format: 'text', description })
const who = words('Your name, for the record of acts')
const closed = { additionalProperties: false }
export const PreviewRequest = Type.Object({ act: Type.Enum(['redrive', 'discard']) }, closed)
export const RedriveRequest = Type.Object({ who, why: Type.Optional(words('Why it will work now')) }, closed)
export const DiscardRequest = Type.Object({ who, why: words('Why it is given up') }, closed)

export type Letter = Static<typeof Letter>
export type ParkedLetter = Static<typeof ParkedLetter>
export type LetterInFull = Static<typeof LetterInFull>
export type LetterPayload = Static<typeof LetterPayload>
export type Act = Static<typeof Act>
export type Preview = Static<typeof Preview>
export type ActOutcome = Static<typeof ActOutcome>
