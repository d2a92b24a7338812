import type { Attempt, History } from '../load/history.ts'
import { checkEvents } from './check-events.ts'
import { checkMoney } from './check-money.ts'
import { checkOrders } from './check-orders.ts'
import type { FinalState, Violation } from './state.ts'

/** After healing, everything accepted is settled within this. */
export const settledMsMax = 60_000

/** One thing that was asked for, however often. */
export type Operation = Pick<Attempt, 'op' | 'act' | 'user' | 'amount'> & {
  from: number
  /** When it was first acknowledged; Infinity for one that never was. */
  acknowledgedAt: number
  outcome: Attempt['outcome']
  /** The ids in its acknowledgements. */
  orders: string[]
}

/** Decides what is wrong in the end, given what was asked for and answered. Empty when all is well. Pure. */
export function check(history: Pick<History, 'attempts' | 'marks'>, state: FinalState): Violation[] {
  const operations = gatherOperations(history.attempts)
  return [
    ...checkOrders(operations, state),
    ...checkMoney(operations, state),
    ...checkEvents(operations, state),
    ...checkBacklog(history, state),
  ]
}

/** Acknowledged once is acknowledged; refused is what was refused every time; of the rest nobody knows. */
function gatherOperations(attempts: Attempt[]): Operation[] {
  return [...Map.groupBy(attempts, ({ op }) => op).values()].map(tries => {
    const { op, act, user, amount } = tries[0]!
    const acknowledged = tries.filter(({ outcome }) => outcome === 'ok')
    const outcome =
      acknowledged.length > 0
        ? 'ok'
        : tries.every(({ outcome }) => outcome === 'refused')
          ? 'refused'
          : 'unknown'
    return {
      op,
      act,
      user,
      amount,
      from: Math.min(...tries.map(({ from }) => from)),
      acknowledgedAt: Math.min(...acknowledged.map(({ to }) => to)),
      outcome,
      orders: [...new Set(acknowledged.flatMap(({ order }) => order ?? []))],
    }
  })
}

function checkBacklog({ marks }: Pick<History, 'marks'>, state: FinalState): Violation[] {
  const violations: Violation[] = state.backlog.map(detail => ({ kind: 'stuck', detail }))
  let healedAt: number | undefined
  for (const { mark, at } of marks) {
    if (mark === 'healed') healedAt ??= at
    if (mark !== 'settled' || healedAt === undefined) continue
    if (at - healedAt > settledMsMax) {
      violations.push({
        kind: 'stuck',
        detail: `settled ${at - healedAt} ms after healing, at most ${settledMsMax}`,
      })
    }
    healedAt = undefined
  }
  if (healedAt !== undefined) violations.push({ kind: 'stuck', detail: 'healed, and not settled since' })
  return violations
}
