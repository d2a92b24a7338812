import fc from 'fast-check'
import { expect, test } from 'vitest'
import { check } from './check.ts'
import { rightWorlds, type World } from './shop-model.fixture.ts'
import type { Message, ViolationKind } from './state.ts'

const kindsIn = ({ history, state }: World) => new Set(check(history, state).map(({ kind }) => kind))

test('whatever customers ask for, a shop that does everything right has no violation', () => {
  fc.assert(
    fc.property(rightWorlds, world => {
      expect(check(world.history, world.state)).toEqual([])
    }),
    { numRuns: 500 },
  )
})

/** Each breaks a right world in one place and answers whether it found such a place. `at` chooses among several. */
type Damage = (world: World, at: number) => boolean

const pickFrom = <Item>(items: Item[], at: number): Item | undefined => items[at % items.length]
const remove = <Item>(items: Item[], item: Item | undefined): boolean =>
  item !== undefined && items.splice(items.indexOf(item), 1).length === 1
const change = <Item extends object>(item: Item | undefined, values: Partial<Item>): boolean =>
  item !== undefined && Object.assign(item, values) === item
const acknowledgedOrders = ({ history, state }: World) => {
  const ids = new Set(history.attempts.map(({ order }) => order))
  return state.orders.filter(({ id }) => ids.has(id))
}
const firstOfOthers = (messages: Message[], message: Message) =>
  messages.find(({ user, order }) => user === message.user && order !== message.order)

const damages: [ViolationKind, string, Damage][] = [
  [
    'order_lost',
    'an acknowledged order is gone',
    (world, at) => remove(world.state.orders, pickFrom(acknowledgedOrders(world), at)),
  ],
  [
    'order_doubled',
    'a request was carried out twice',
    ({ state }, at) => {
      const order = pickFrom(state.orders, at)
      return order !== undefined && state.orders.push({ ...order, id: 'twin' }) > 0
    },
  ],
  [
    'order_changed',
    'an order is of another amount than asked for',
    ({ state }, at) => {
      const order = pickFrom(state.orders, at)
      return change(order, { amount: '501' })
    },
  ],
  [
    'answers_differ',
    'the same request was acknowledged as two orders',
    ({ history }, at) => {
      const told = pickFrom(
        history.attempts.filter(({ order }) => order),
        at,
      )
      return told !== undefined && history.attempts.push({ ...told, order: 'another' }) > 0
    },
  ],
  [
    'refused_but_done',
    'a refused order is there',
    ({ history, state }, at) => {
      const order = pickFrom(state.orders, at)
      for (const attempt of history.attempts) if (attempt.op === order?.op) attempt.outcome = 'refused'
      return order !== undefined
    },
  ],
  [
    'order_from_nowhere',
    'nobody asked for an order',
    ({ state }, at) => {
      const order = pickFrom(state.orders, at)
      return change(order, { op: 'unheard of' })
    },
  ],
  [
    'order_unsettled',
    'an order is not settled',
    ({ state }, at) => {
      const order = pickFrom(state.orders, at)
      return change(order, { status: 'NEW' })
    },
  ],
  [
    'payment_missing',
    'an order has no payment',
    ({ state }, at) => remove(state.payments, pickFrom(state.payments, at)),
  ],
  [
    'payment_doubled',
    'an order has two payments',
    ({ state }, at) => {
      const payment = pickFrom(state.payments, at)
      return payment !== undefined && state.payments.push({ ...payment }) > 0
    },
  ],
  [
    'payment_from_nowhere',
    'a payment is of no order',
    ({ state }, at) => {
      const payment = pickFrom(state.payments, at)
      return payment !== undefined && state.payments.push({ ...payment, order: 'unheard of' }) > 0
    },
  ],
  [
    'status_disagrees',
    'an order was cancelled, and paid for',
    ({ state }, at) => {
      const order = pickFrom(
        state.orders.filter(({ status }) => status === 'FINISHED'),
        at,
      )
      return change(order, { status: 'CANCELLED' })
    },
  ],
  [
    'status_disagrees',
    'an order was told of with another amount',
    ({ state }, at) => {
      const message = pickFrom(state.topics.statuses, at)
      return change(message, { amount: '501' })
    },
  ],
  [
    'debit_wrong',
    'an order was paid for twice',
    ({ state }, at) => {
      const entry = pickFrom(
        state.ledger.filter(({ kind }) => kind === 'payment'),
        at,
      )
      return entry !== undefined && state.ledger.push({ ...entry }) > 0
    },
  ],
  [
    'debit_wrong',
    'a completed payment took no money',
    ({ state }, at) =>
      remove(
        state.ledger,
        pickFrom(
          state.ledger.filter(({ kind }) => kind === 'payment'),
          at,
        ),
      ),
  ],
  [
    'debit_wrong',
    'a declined payment took money',
    ({ state }, at) => {
      const payment = pickFrom(
        state.payments.filter(({ status }) => status === 'COMPLETED'),
        at,
      )
      return change(payment, { status: 'DECLINED' })
    },
  ],
  [
    'change_lost',
    'an acknowledged deposit is not in the ledger',
    ({ history, state }, at) => {
      const told = pickFrom(
        history.attempts.filter(({ act, outcome }) => act !== 'place_order' && outcome === 'ok'),
        at,
      )
      return remove(
        state.ledger,
        state.ledger.find(({ user, amount }) => user === told?.user && amount === told.amount),
      )
    },
  ],
  [
    'change_doubled',
    'a deposit was made twice',
    ({ history, state }, at) => {
      // Another of that amount of which nobody knows may have been the second one: an entry has no id to tell.
      const mayBeOther = ({ user, amount }: { user: number; amount: string }) =>
        history.attempts.some(
          other => other.outcome === 'unknown' && other.user === user && other.amount === amount,
        )
      const entry = pickFrom(
        state.ledger.filter(one => one.kind !== 'payment' && !mayBeOther(one)),
        at,
      )
      return entry !== undefined && state.ledger.push({ ...entry }) > 0
    },
  ],
  [
    'balance_wrong',
    'a balance is not the sum of its ledger',
    ({ state }, at) => {
      const account = pickFrom(state.accounts, at)
      return change(account, { balance: String(BigInt(account?.balance ?? 0) + 1n) })
    },
  ],
  [
    'balance_wrong',
    'an entry tells a wrong balance',
    ({ state }, at) => {
      const entry = pickFrom(state.ledger, at)
      return change(entry, { balance_after: String(BigInt(entry?.balance_after ?? 0) - 1n) })
    },
  ],
  [
    'declined_though_affordable',
    'an order was declined although there was enough all the time',
    ({ state }, at) => {
      const order = pickFrom(
        state.orders.filter(({ status }) => status === 'CANCELLED'),
        at,
      )
      if (!order) return false
      for (const [about, amount] of [
        [order, '1'],
        [state.payments.find(({ order: id }) => id === order.id), '1'],
      ] as const) {
        if (about) about.amount = amount
      }
      for (const messages of Object.values(state.topics)) {
        for (const message of messages) if (message.order === order.id) message.amount = '1'
      }
      // Only where there always was something.
      return state.ledger.every(({ user, balance_after }) => user !== order.user || balance_after !== '0')
    },
  ],
  [
    'out_of_order',
    'two orders of a user were decided in another order than placed',
    ({ state }, at) => {
      const message = pickFrom(state.topics.results, at)
      const other = message && firstOfOthers(state.topics.results, message)
      if (!message || !other) return false
      const orders = [message.order, other.order]
      state.topics.results = [
        ...state.topics.results.filter(({ order }) => !orders.includes(order)),
        ...state.topics.results.filter(({ order }) => orders.includes(order)).reverse(),
      ]
      return true
    },
  ],
  [
    'out_of_order',
    'an order overtook one that had been acknowledged before',
    (world, at) => {
      const ids = acknowledgedOrders(world).map(({ id }) => id)
      const message = pickFrom(
        world.state.topics.tasks.filter(({ order }) => ids.includes(order)),
        at,
      )
      const other =
        message &&
        firstOfOthers(
          world.state.topics.tasks.filter(({ order }) => ids.includes(order)),
          message,
        )
      if (!message || !other) return false
      for (const topic of ['tasks', 'results', 'statuses'] as const) {
        const messages = world.state.topics[topic]
        const mine = messages.filter(({ user }) => user === message.user)
        world.state.topics[topic] = [
          ...messages.filter(({ user }) => user !== message.user),
          ...mine.reverse(),
        ]
      }
      return true
    },
  ],
  [
    'event_missing',
    'an order was told to nobody',
    ({ state }, at) => {
      const message = pickFrom(state.topics.statuses, at)
      state.topics.statuses = state.topics.statuses.filter(({ order }) => order !== message?.order)
      return message !== undefined
    },
  ],
  [
    'event_doubled',
    'an order has two events, and not one repeated',
    ({ state }, at) => {
      const message = pickFrom(
        state.topics.results.filter(({ event }) => event !== null),
        at,
      )
      return message !== undefined && state.topics.results.push({ ...message, event: 'another' }) > 0
    },
  ],
  [
    'stuck',
    'it settled more than 60 s after healing',
    ({ history }) => {
      history.marks[1] = { mark: 'settled', at: 61_001 }
      return true
    },
  ],
  ['stuck', 'it never settled', ({ history }) => history.marks.pop() !== undefined],
  ['stuck', 'something is left over', ({ state }) => state.backlog.push('1 event is in no topic') > 0],
]

test.each(damages)('%s: %s', (kind, _what, damage) => {
  let damaged = 0
  fc.assert(
    fc.property(rightWorlds, fc.nat(), (world, at) => {
      const copy = structuredClone(world)
      if (!damage(copy, at)) return
      damaged++
      expect(kindsIn(copy)).toContain(kind)
    }),
    { numRuns: 200 },
  )
  expect(damaged).toBeGreaterThan(20)
})
