import type { Hop, HopName, Timeline } from '../api/model.ts'

export const lanes = ['Orders', 'Outbox', 'Kafka', 'Payments'] as const
export type Lane = (typeof lanes)[number]

export type Step = {
  name: string
  lane: Lane
  words: string
  /**
   * `pending` is not known to have happened: a service tells of a step when it has handled the message, not when the
   * message waits for it. `stopped` is pending behind a message that was discarded: it does not come by itself. `unknown`
   * has happened without a time: the record is past its retention.
   */
  state: 'done' | 'pending' | 'stopped' | 'unknown'
  at: Date | undefined
  /** Since the step before, where both times are known. */
  gapMs: number | undefined
  /** Written in one transaction with the step before, so no crash can come between them. */
  isSameTransaction: boolean
  place: string | undefined
}

type Planned = { name: string; lane: Lane; words: string; hop: HopName; isSameTransaction?: boolean }

/** The way of every order. The outbox rows have the time of the change in whose transaction they were written. */
function planOf(outcome: Hop | undefined): Planned[] {
  const isDeclined = outcome?.hop === 'declined'
  const decision: Planned = isDeclined
    ? { name: 'decided', lane: 'Payments', words: 'Declined', hop: 'declined' }
    : {
        name: 'decided',
        lane: 'Payments',
        words: outcome ? 'Account debited' : 'Account debited or order declined',
        hop: 'debited',
      }
  return [
    { name: 'accepted', lane: 'Orders', words: 'Order stored', hop: 'accepted' },
    {
      name: 'task-written',
      lane: 'Outbox',
      words: 'Task in the outbox of orders',
      hop: 'accepted',
      isSameTransaction: true,
    },
    { name: 'task-published', lane: 'Kafka', words: 'Task published', hop: 'published' },
    { name: 'received', lane: 'Payments', words: 'Task received', hop: 'received' },
    decision,
    {
      name: 'result-written',
      lane: 'Outbox',
      words: 'Result in the outbox of payments',
      hop: decision.hop,
      isSameTransaction: true,
    },
    { name: 'result-published', lane: 'Kafka', words: 'Result published', hop: 'result_published' },
    { name: 'settled', lane: 'Orders', words: 'Order settled', hop: 'settled' },
  ]
}

/** Lays the hops that are known over the way that every order takes. */
export function stepsOf(timeline: Timeline): Step[] {
  const byName = new Map(timeline.hops.map(hop => [hop.hop, hop]))
  const known = (name: HopName) => byName.get(name)?.at ?? undefined
  const decided = byName.get(known('declined') ? 'declined' : 'debited')
  const plan = planOf(decided?.at ? decided : undefined)
  const lastDone = plan.findLastIndex(({ hop }) => known(hop) !== undefined)
  const awaited = timeline.discarded ? 'stopped' : 'pending'
  let before: Date | undefined
  return plan.map(({ name, lane, words, hop, isSameTransaction = false }, index) => {
    const text = known(hop)
    const at = text === undefined ? undefined : new Date(text)
    const gapMs = at && before && !isSameTransaction ? at.getTime() - before.getTime() : undefined
    before = at ?? undefined
    const state = at ? 'done' : index < lastDone ? 'unknown' : awaited
    return { name, lane, words, state, at, gapMs, isSameTransaction, place: placeOf(lane, byName.get(hop)) }
  })
}

function placeOf(lane: Lane, hop: Hop | undefined): string | undefined {
  if (lane !== 'Kafka' || hop?.topic === undefined) return undefined
  return `${hop.topic} · partition ${hop.partition} · offset ${hop.offset}`
}

/** From accepted to settled; undefined while it is not settled. */
export function totalMs(steps: Step[]): number | undefined {
  const [from, to] = [steps.at(0)?.at, steps.at(-1)?.at]
  return from && to && to.getTime() - from.getTime()
}
