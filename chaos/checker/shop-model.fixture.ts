import fc from 'fast-check'
import type { Attempt, Mark } from '../load/history.ts'
import type { FinalState } from './state.ts'

export type World = { history: { attempts: Attempt[]; marks: Mark[] }; state: FinalState }

/** What one customer asks for, in turn, and what becomes of it. */
const wish = fc.record({
  user: fc.integer({ min: 1, max: 3 }),
  act: fc.constantFrom('place_order' as const, 'place_order' as const, 'change_balance' as const),
  amount: fc.integer({ min: 1, max: 500 }),
  outcome: fc.constantFrom('ok' as const, 'ok' as const, 'refused' as const, 'unknown' as const),
  /** Whether an unknown one was done; refused ones never are. */
  isDone: fc.boolean(),
  /** The event is published again, as a crash of a relay would. */
  isRepeated: fc.boolean(),
  isAskedAgain: fc.boolean(),
})

/** A shop that does everything right, for any customers. */
export const rightWorlds = fc.array(wish, { minLength: 1, maxLength: 30 }).map(wishes => {
  const attempts: Attempt[] = []
  const state: FinalState = {
    orders: [],
    payments: [],
    accounts: [],
    ledger: [],
    topics: { tasks: [], results: [], statuses: [] },
    backlog: [],
  }
  const balances = new Map<number, bigint>()
  const enter = (
    user: number,
    kind: 'opening' | 'deposit' | 'payment',
    amount: bigint,
    order: string | null,
  ) => {
    const balance = (balances.get(user) ?? 0n) + amount
    balances.set(user, balance)
    state.ledger.push({ user, kind, amount: String(amount), balance_after: String(balance), order })
  }
  let clock = 0
  const ask = (attempt: Omit<Attempt, 'from' | 'to'>) =>
    attempts.push({ ...attempt, from: ++clock, to: ++clock })
  for (const user of [1, 2, 3]) {
    ask({ op: `open ${user}`, act: 'open_account', user, amount: '600', outcome: 'ok' })
    enter(user, 'opening', 600n, null)
  }
  for (const [
    index,
    { user, act, amount: number, outcome, isDone, isRepeated, isAskedAgain },
  ] of wishes.entries()) {
    const [op, order, amount] = [`op ${index}`, `order ${index}`, String(number)]
    const tell = {
      op,
      act,
      user,
      amount,
      outcome,
      ...(act === 'place_order' && outcome === 'ok' && { order }),
    }
    ask(tell)
    if (isAskedAgain) ask(tell)
    if (outcome === 'refused' || (outcome === 'unknown' && !isDone)) continue
    if (act === 'change_balance') {
      enter(user, 'deposit', BigInt(amount), null)
      continue
    }
    const isPaid = (balances.get(user) ?? 0n) >= BigInt(amount)
    const reason = isPaid ? null : 'insufficient_funds'
    state.orders.push({ id: order, user, amount, op, status: isPaid ? 'FINISHED' : 'CANCELLED', reason })
    state.payments.push({ order, user, amount, status: isPaid ? 'COMPLETED' : 'DECLINED', reason })
    if (isPaid) enter(user, 'payment', -BigInt(amount), order)
    const send = (topic: 'tasks' | 'results' | 'statuses', status: string | null) => {
      const message = { partition: user % 2, event: `${topic} ${order}`, order, user, amount, status }
      state.topics[topic].push(message, ...(isRepeated ? [message, { ...message, event: null }] : []))
    }
    send('tasks', null)
    send('results', isPaid ? 'SUCCESS' : 'FAILED')
    send('statuses', isPaid ? 'FINISHED' : 'CANCELLED')
  }
  for (const [user, balance] of balances) state.accounts.push({ user, balance: String(balance) })
  const marks: Mark[] = [
    { mark: 'healed', at: 1_000 },
    { mark: 'settled', at: 2_000 },
  ]
  return { history: { attempts, marks }, state } satisfies World
})
