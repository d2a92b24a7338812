import { type DeclineReason, decidePayments } from '../accounts/account.ts'
import type { PaymentTask } from './payment-task.ts'

/** What decides about payments. Pure: the clock and new ids are arguments. */

/** A task on its way through one batch. */
export type ReceivedTask = PaymentTask & { eventId: string; traceparent: string | undefined }

/** The one decision about an order, whatever it was. */
export type Payment = {
  id: string
  task: ReceivedTask
  createdAt: Date
} & (
  | { status: 'COMPLETED'; entryId: string; balanceAfterMinor: bigint }
  | { status: 'DECLINED'; reason: DeclineReason }
)

export type Repeat = { task: ReceivedTask; sameContent: boolean }

/**
 * Keeps the first task of each order that has no payment yet, in the order given; the rest are repeats, told under
 * event ids of their own, which the inbox cannot know.
 */
export function separateRepeats(
  paid: ReadonlyMap<string, PaymentTask>,
  tasks: readonly ReceivedTask[],
): { first: ReceivedTask[]; repeats: Repeat[] } {
  const known = new Map(paid)
  const first: ReceivedTask[] = []
  const repeats: Repeat[] = []
  for (const task of tasks) {
    const earlier = known.get(task.orderId)
    if (earlier) {
      const sameContent = earlier.userId === task.userId && earlier.amountMinor === task.amountMinor
      repeats.push({ task, sameContent })
    } else {
      known.set(task.orderId, task)
      first.push(task)
    }
  }
  return { first, repeats }
}

/** One payment per task, in the same order; `newId` makes a new id at each call. */
export function makePayments(
  balances: ReadonlyMap<number, bigint>,
  tasks: readonly ReceivedTask[],
  { now, newId }: { now: Date; newId: () => string },
): Payment[] {
  return decidePayments(balances, tasks).map(decision => {
    const payment = { id: newId(), task: decision.task, createdAt: now }
    return decision.kind === 'debited'
      ? {
          ...payment,
          status: 'COMPLETED',
          entryId: newId(),
          balanceAfterMinor: decision.balanceAfterMinor,
        }
      : { ...payment, status: 'DECLINED', reason: decision.reason }
  })
}
