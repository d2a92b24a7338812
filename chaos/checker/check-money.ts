import type { Operation } from './check.ts'
import type { FinalState, LedgerRow, Violation, ViolationKind } from './state.ts'

/** Balances are the sums of their ledgers, and a ledger holds what was asked for: nothing twice, nothing else. */
export function checkMoney(operations: Operation[], state: FinalState): Violation[] {
  const violations: Violation[] = []
  const entries = Map.groupBy(state.ledger, ({ user }) => user)
  const accounts = Map.groupBy(state.accounts, ({ user }) => user)
  for (const [user, asked] of Map.groupBy(operations, ({ user }) => user)) {
    const ledger = entries.get(user) ?? []
    const found = accounts.get(user) ?? []
    const add = (kind: ViolationKind, detail: string) => violations.push({ kind, user, detail })
    if (found.length > 1) add('balance_wrong', `${found.length} accounts`)
    checkBalance(ledger, found[0]?.balance, add)
    checkChanges(asked, ledger, add)
  }
  violations.push(...checkDebits(state))
  return violations
}

type Add = (kind: ViolationKind, detail: string) => void

function checkBalance(ledger: LedgerRow[], balance: string | undefined, add: Add): void {
  let sum = 0n
  for (const [index, { amount, balance_after }] of ledger.entries()) {
    sum += BigInt(amount)
    if (sum < 0n) add('balance_wrong', `it is ${sum} after entry ${index + 1}`)
    if (String(sum) !== balance_after) {
      add('balance_wrong', `entry ${index + 1} says ${balance_after}, the sum of entries is ${sum}`)
      // Said once: all that follow are off by the same.
      sum = BigInt(balance_after)
    }
  }
  const total = ledger.reduce((total, { amount }) => total + BigInt(amount), 0n)
  if ((balance ?? '0') !== String(total))
    add('balance_wrong', `the balance is ${balance}, its ledger sums up to ${total}`)
}

/** A change has no id in the ledger, so changes of one amount are counted: at least those acknowledged, at most those asked for. */
function checkChanges(asked: Operation[], ledger: LedgerRow[], add: Add): void {
  const changes = asked.filter(({ act, amount }) => act !== 'place_order' && BigInt(amount) !== 0n)
  const made = Map.groupBy(
    ledger.filter(({ kind }) => kind !== 'payment'),
    ({ kind, amount }) => `${kind === 'opening' ? 'opening' : 'change'} of ${amount}`,
  )
  const wanted = Map.groupBy(
    changes,
    ({ act, amount }) => `${act === 'open_account' ? 'opening' : 'change'} of ${amount}`,
  )
  for (const what of new Set([...made.keys(), ...wanted.keys()])) {
    const count = made.get(what)?.length ?? 0
    const least = wanted.get(what)?.filter(({ outcome }) => outcome === 'ok').length ?? 0
    const most = wanted.get(what)?.filter(({ outcome }) => outcome !== 'refused').length ?? 0
    if (count < least) add('change_lost', `${what}: ${least} acknowledged, ${count} in the ledger`)
    if (count > most) add('change_doubled', `${what}: at most ${most} asked for, ${count} in the ledger`)
  }
}

/** A completed payment took its amount once; nothing else took any. */
function checkDebits({ payments, ledger }: FinalState): Violation[] {
  const violations: Violation[] = []
  const debits = Map.groupBy(
    ledger.filter(({ kind }) => kind === 'payment'),
    ({ order }) => order ?? '',
  )
  const completed = new Map(
    payments.filter(({ status }) => status === 'COMPLETED').map(payment => [payment.order, payment]),
  )
  for (const order of new Set([...debits.keys(), ...completed.keys()])) {
    const payment = completed.get(order)
    const found = debits.get(order) ?? []
    const actual = found.map(({ user, amount }) => `${user} ${amount}`).join(', ')
    const expected = payment ? `${payment.user} ${-BigInt(payment.amount)}` : ''
    if (actual === expected) continue
    const user = payment?.user ?? found[0]?.user
    const detail = `ledger: ${actual || 'nothing'}; expected: ${expected || 'nothing'}`
    violations.push({ kind: 'debit_wrong', ...(user !== undefined && { user }), order, detail })
  }
  return violations
}
