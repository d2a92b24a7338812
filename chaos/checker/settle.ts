import { setTimeout as sleep } from 'node:timers/promises'
import type { History } from '../load/history.ts'
import type { ChaosSystem } from '../system/chaos-system.ts'
import { settledMsMax } from './check.ts'
import { readState, readUnsettled } from './read-state.ts'
import type { FinalState } from './state.ts'

/** Longer than allowed, to tell what is late from what is stuck for ever. */
const settleWaitMsMax = 2 * settledMsMax
const pollMs = 250

/** Waits until nothing is under way any more, and answers what there is then; all of it, however late it is. */
export async function settle(
  { databases, brokers }: Pick<ChaosSystem, 'databases' | 'brokers'>,
  history: History,
  users: number[],
  healedAt: number,
  /** What an operator does meanwhile about messages that were put aside. */
  discardLetters: () => Promise<void> | undefined = () => undefined,
): Promise<{ state: FinalState; ms: number }> {
  const isLate = () => Date.now() - healedAt > settleWaitMsMax
  let settledAt = 0
  let state: FinalState
  do {
    await discardLetters()
    while (!isLate() && (await readUnsettled(databases.orders)).count > 0) {
      await sleep(pollMs)
      await discardLetters()
    }
    // Taken before the reading, which takes longer the more there is.
    settledAt = Date.now()
    state = await readState(databases, brokers, users)
  } while (state.backlog.length > 0 && !isLate())
  const isSettled = state.backlog.length === 0 && state.orders.every(({ status }) => status !== 'NEW')
  if (isSettled) history.add({ mark: 'settled', at: settledAt })
  return { state, ms: settledAt - healedAt }
}
