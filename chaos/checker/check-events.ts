import type { Operation } from './check.ts'
import type { FinalState, LedgerRow, Message, Violation } from './state.ts'

type Topic = keyof FinalState['topics']
const topics: Topic[] = ['tasks', 'results', 'statuses']

/** Every order has one event in each topic, however often repeated, and one user's orders are in one order throughout. */
export function checkEvents(operations: Operation[], state: FinalState): Violation[] {
  const violations: Violation[] = []
  const orders = new Map(state.orders.map(order => [order.id, order]))
  const firsts = {} as Record<Topic, Map<string, Message>>
  for (const topic of topics) {
    const first = new Map<string, Message>()
    firsts[topic] = first
    for (const message of state.topics[topic]) {
      const order = orders.get(message.order)
      if (!order) continue
      const about = { user: order.user, order: order.id }
      const known = first.get(message.order)
      if (!known) first.set(message.order, message)
      else if (message.event !== null && known.event !== null && message.event !== known.event) {
        violations.push({
          ...about,
          kind: 'event_doubled',
          detail: `${topic}: ${known.event} and ${message.event}`,
        })
      }
      const expected = `${order.user} ${order.amount} ${statusIn(topic, order.status)}`
      const actual = `${message.user} ${message.amount} ${message.status}`
      if (actual !== expected) {
        violations.push({
          ...about,
          kind: 'status_disagrees',
          detail: `${topic}: ${actual}, the order ${expected}`,
        })
      }
    }
    for (const { id, user } of state.orders) {
      if (!first.has(id))
        violations.push({ kind: 'event_missing', user, order: id, detail: `nothing in ${topic}` })
    }
  }
  violations.push(...checkOrder(operations, state, firsts))
  return violations
}

function statusIn(topic: Topic, status: string): string | null {
  if (topic === 'tasks') return null
  if (topic === 'statuses') return status
  return status === 'FINISHED' ? 'SUCCESS' : 'FAILED'
}

function checkOrder(
  operations: Operation[],
  state: FinalState,
  firsts: Record<Topic, Map<string, Message>>,
): Violation[] {
  const violations: Violation[] = []
  const sequences = topics.map(topic => ({
    topic,
    ofUser: Map.groupBy([...firsts[topic].values()], ({ user }) => user),
  }))
  const placed = Map.groupBy(
    operations.filter(({ act, outcome }) => act === 'place_order' && outcome === 'ok'),
    ({ user }) => user,
  )
  const ledgers = Map.groupBy(state.ledger, ({ user }) => user)
  for (const user of new Set(operations.map(({ user }) => user))) {
    const [tasks = [], results = [], statuses = []] = sequences.map(({ ofUser }) => ofUser.get(user) ?? [])
    const add = (detail: string) => violations.push({ kind: 'out_of_order', user, detail })
    for (const { sequence, topic } of [
      { sequence: tasks, topic: 'tasks' },
      { sequence: results, topic: 'results' },
      { sequence: statuses, topic: 'statuses' },
    ]) {
      const partitions = new Set(sequence.map(({ partition }) => partition))
      if (partitions.size > 1) add(`${topic}: in partitions ${[...partitions].join(' and ')}`)
    }
    const decided = results.map(({ order }) => order)
    const first = differs(
      tasks.map(({ order }) => order),
      decided,
    )
    if (first) add(`asked for and decided in another order, from ${first} on`)
    const second = differs(
      decided,
      statuses.map(({ order }) => order),
    )
    if (second) add(`decided and told in another order, from ${second} on`)
    const late = firstOvertaken(placed.get(user) ?? [], tasks)
    if (late) add(late)
    violations.push(...checkDecisions(user, results, ledgers.get(user) ?? []))
  }
  return violations
}

/** The first place where they differ, of those that are in both. */
function differs(one: string[], other: string[]): string | undefined {
  const inOne = new Set(one)
  const inBoth = new Set(other.filter(id => inOne.has(id)))
  const rest = other.filter(id => inBoth.has(id))
  return one.filter(id => inBoth.has(id)).find((id, index) => rest[index] !== id)
}

/** An order that was acknowledged before another was asked for comes before it; of orders at one time nobody can say. */
function firstOvertaken(placed: Operation[], tasks: Message[]): string | undefined {
  const position = new Map(tasks.map(({ order }, index) => [order, index]))
  const known = placed
    .flatMap(operation => {
      const at = position.get(operation.orders[0] ?? '')
      return at === undefined ? [] : [{ operation, at }]
    })
    .toSorted((a, b) => a.at - b.at)
  // From the last position backwards: nothing there may have been acknowledged before this one was asked for.
  let earliest: Operation | undefined
  for (const { operation } of known.toReversed()) {
    if (earliest && earliest.acknowledgedAt < operation.from) {
      return `order ${operation.orders[0]} overtook ${earliest.orders[0]}, which had been acknowledged before`
    }
    if (!earliest || operation.acknowledgedAt < earliest.acknowledgedAt) earliest = operation
  }
  return undefined
}

/**
 * Completed payments stand in the ledger in the order decided, and a declined order was one that could not be paid:
 * between the debits before and after it, the balance was at some moment too low for it.
 */
function checkDecisions(user: number, results: Message[], ledger: LedgerRow[]): Violation[] {
  const violations: Violation[] = []
  const debitAt = new Map(ledger.flatMap(({ order }, index) => (order === null ? [] : [[order, index]])))
  const decided = results.filter(({ order, status }) => status === 'SUCCESS' && debitAt.has(order))
  const positions = decided.map(({ order }) => debitAt.get(order)!)
  const wrong = positions.findIndex((position, index) => index > 0 && position < positions[index - 1]!)
  if (wrong >= 0) {
    const order = decided[wrong]!.order
    violations.push({
      kind: 'out_of_order',
      user,
      order,
      detail: 'debited before one that was decided earlier',
    })
    return violations
  }
  let after = -1
  for (const [index, { order, status, amount }] of results.entries()) {
    if (status === 'SUCCESS') {
      after = debitAt.get(order) ?? after
      continue
    }
    const next = results
      .slice(index + 1)
      .find(later => later.status === 'SUCCESS' && debitAt.has(later.order))
    const before = next ? debitAt.get(next.order)! : ledger.length
    const balances = ledger
      .slice(Math.max(after, 0), before)
      .map(({ balance_after }) => BigInt(balance_after))
    if (after === -1) balances.push(0n)
    if (balances.every(balance => balance >= BigInt(amount))) {
      const detail = `declined at ${amount}, and the balance was never below ${balances.reduce((a, b) => (a < b ? a : b))}`
      violations.push({ kind: 'declined_though_affordable', user, order, detail })
    }
  }
  return violations
}
