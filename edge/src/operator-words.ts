import type { ActOutcome, Preview } from './operator-schema.ts'

/** What the command line and the UI's page say of the same answers. Pure; for browsers too, so it imports types only. */

export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`

export const stepWords: Record<Preview['steps'][number]['outcome'], string> = {
  handled: 'would be handled',
  discarded: 'would be given up',
  failed: 'would fail again, and nothing would change',
  parked: 'would be parked in its place, and the rest would go on waiting',
  not_tried: 'would go on waiting',
}

/** 'accounts: 2 updated' */
export function changeWords({ table, ...counts }: Preview['changes'][number]): string {
  const done = Object.entries(counts).filter(([, count]) => count > 0)
  return `${table}: ${done.map(([how, count]) => `${count} ${how}`).join(', ')}`
}

/** One sentence or two; the reason of a failure comes separately. */
export function outcomeWords(service: string, act: 'redrive' | 'discard', outcome: ActOutcome): string {
  const { handled, parked_id } = outcome
  const begun = act === 'discard' ? 'Given up. ' : ''
  switch (outcome.outcome) {
    case 'released':
      return `${begun}${counted(handled, 'message')} handled. Nothing waits behind it any more.`
    case 'failed':
      return 'It failed again, and nothing has changed. Correct the cause, or discard it.'
    case 'parked':
      return `${begun}${counted(handled, 'message')} handled. Then ${service}/${parked_id} failed: it is parked now, and the rest wait behind it.`
  }
}
