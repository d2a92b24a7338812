import { isUtf8 } from 'node:buffer'
import type { DeadLetter, ParkedLetter } from 'messaging/dead-letter-rows'
import type { DiscardOutcome, RedriveOutcome } from 'messaging/dead-letters'
import type { OperatorAct } from 'messaging/operator-acts'
import type { Preview } from 'messaging/preview'
import type * as Answer from './operator-schema.ts'

/** From the engine's words to those of the operator API. */

/** A page of a list stays small however large its messages are. */
const payloadCharactersMax = 2_000

export const letterAnswer = (service: string, letter: DeadLetter, isWhole = false): Answer.Letter => ({
  id: String(letter.id),
  service,
  consumer: letter.consumer,
  event_id: letter.eventId,
  topic: letter.source.topic,
  partition: letter.source.partition,
  offset: String(letter.source.offset),
  key: letter.source.key,
  state: letter.state,
  reason: letter.reason,
  attempts: letter.attempts,
  published_at: letter.source.timestamp.toISOString(),
  payload: payloadAnswer(letter.source.value, isWhole),
})

export const parkedAnswer = (service: string, letter: ParkedLetter): Answer.ParkedLetter => ({
  ...letterAnswer(service, letter),
  parked_at: letter.parkedAt.toISOString(),
  waiting: letter.waiting,
})

function payloadAnswer(value: Buffer | null, isWhole: boolean): Answer.LetterPayload | null {
  if (value === null) return null
  const isText = isUtf8(value)
  const text = isText ? value.toString() : value.toString('base64')
  const is_cut = !isWhole && text.length > payloadCharactersMax
  return {
    encoding: isText ? 'utf-8' : 'base64',
    // Never half a character.
    text: is_cut ? text.slice(0, payloadCharactersMax).toWellFormed() : text,
    bytes: value.length,
    is_cut,
  }
}

export const actAnswer = (act: OperatorAct): Answer.Act => ({
  id: String(act.id),
  at: act.at.toISOString(),
  who: act.who,
  why: act.why,
  act: act.act,
  outcome: act.outcome,
  dead_letter_id: act.deadLetterId === null ? null : String(act.deadLetterId),
  event_id: act.eventId,
  topic: act.topic,
  key: act.key,
  detail: act.detail,
})

export const previewAnswer = ({ steps, changes, events, isCapped }: Preview): Answer.Preview => ({
  steps: steps.map(({ letter, outcome, reason }) => ({
    id: String(letter.id),
    event_id: letter.eventId,
    offset: String(letter.source.offset),
    outcome,
    reason,
  })),
  changes,
  events: events.map(({ aggregateId, ...event }) => ({ ...event, aggregate_id: aggregateId })),
  is_capped: isCapped,
})

export function outcomeAnswer(
  outcome: Exclude<RedriveOutcome | DiscardOutcome, { kind: 'not_parked' }>,
): Answer.ActOutcome {
  switch (outcome.kind) {
    case 'released':
      return { outcome: 'released', handled: outcome.handled }
    case 'failed':
      return { outcome: 'failed', handled: 0, reason: outcome.reason }
    case 'parked':
      return {
        outcome: 'parked',
        handled: outcome.handled,
        parked_id: String(outcome.id),
        reason: outcome.reason,
      }
  }
}
