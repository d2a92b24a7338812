import { balanceMinorMax } from 'edge/money'

/** What decides about accounts. Pure: the clock and new ids are arguments. Money is minor units. */

export type Account = {
  id: string
  /** 1 to 2^53−1, so a number carries it exactly. */
  userId: number
  /** Never negative, never over balanceMinorMax, always the sum of the ledger entries. */
  balanceMinor: bigint
  createdAt: Date
  updatedAt: Date
}

export type LedgerKind = 'opening' | 'deposit' | 'withdrawal' | 'payment'

/** One line of an account: how much came (positive) or went, and what the balance was then. */
export type LedgerEntry = {
  id: string
  userId: number
  kind: LedgerKind
  amountMinor: bigint
  balanceAfterMinor: bigint
  orderId: string | null
  createdAt: Date
}

export type Opened = { account: Account; entry: LedgerEntry | undefined }

/** A balance that is there from the start came from somewhere too: it is the first ledger entry. */
export function makeAccount(
  { userId, balanceMinor }: Pick<Account, 'userId' | 'balanceMinor'>,
  { id, entryId, now }: { id: string; entryId: string; now: Date },
): Opened {
  const account = { id, userId, balanceMinor, createdAt: now, updatedAt: now }
  if (balanceMinor === 0n) return { account, entry: undefined }
  return { account, entry: entryOf(account, 'opening', balanceMinor, entryId) }
}

export type Changed = { kind: 'changed'; account: Account; entry: LedgerEntry }
export type BalanceChange = Changed | { kind: 'insufficient_funds' } | { kind: 'balance_limit_exceeded' }

/** A deposit, or a withdrawal where `changeMinor` is negative. It is never 0. */
export function decideBalanceChange(
  account: Account,
  changeMinor: bigint,
  { entryId, now }: { entryId: string; now: Date },
): BalanceChange {
  const balanceMinor = account.balanceMinor + changeMinor
  if (balanceMinor < 0n) return { kind: 'insufficient_funds' }
  if (balanceMinor > balanceMinorMax) return { kind: 'balance_limit_exceeded' }
  const changed = { ...account, balanceMinor, updatedAt: now }
  const kind = changeMinor > 0n ? 'deposit' : 'withdrawal'
  return { kind: 'changed', account: changed, entry: entryOf(changed, kind, changeMinor, entryId) }
}

const entryOf = (account: Account, kind: LedgerKind, amountMinor: bigint, id: string): LedgerEntry => ({
  id,
  userId: account.userId,
  kind,
  amountMinor,
  balanceAfterMinor: account.balanceMinor,
  orderId: null,
  createdAt: account.updatedAt,
})

export type DeclineReason = 'insufficient_funds' | 'account_not_found'

export type PaymentDecision<Task> =
  | { kind: 'debited'; task: Task; balanceAfterMinor: bigint }
  | { kind: 'declined'; task: Task; reason: DeclineReason }

/**
 * Decides the tasks one after another, in the order given, on the balances (by user id) that the ones before left:
 * a declined task uses up nothing, so a later and smaller one of the same account may still be paid.
 * `amountMinor` of each is positive. Answers one decision per task, in the same order.
 */
export function decidePayments<Task extends { userId: number; amountMinor: bigint }>(
  balances: ReadonlyMap<number, bigint>,
  tasks: readonly Task[],
): PaymentDecision<Task>[] {
  const left = new Map(balances)
  return tasks.map(task => {
    const balance = left.get(task.userId)
    if (balance === undefined) return { kind: 'declined', task, reason: 'account_not_found' }
    if (balance < task.amountMinor) return { kind: 'declined', task, reason: 'insufficient_funds' }
    const balanceAfterMinor = balance - task.amountMinor
    left.set(task.userId, balanceAfterMinor)
    return { kind: 'debited', task, balanceAfterMinor }
  })
}
