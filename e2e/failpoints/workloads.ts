import { statusTopic } from 'orders-service/orders/order-events'
import { until } from './until.ts'
import type { World } from './world.ts'

/** What customers and operators do. Each ends when those who asked have their answers. */
export type Workload = (world: World) => Promise<void>

/** Of the four orders of each customer, two can be paid: a smaller one after one that was declined. */
const placeOrders: Workload = async world => {
  await inParallel(3, async () => {
    const userId = await world.newUser(100)
    for (const amount of [60, 60.01, 39.99, 0.02]) await world.placeOrder(userId, amount)
  })
}

const changeBalances: Workload = async world => {
  await inParallel(3, async () => {
    const userId = await world.newUser(10)
    await world.changeBalance(userId, 5.01)
    await world.changeBalance(userId, -15)
  })
}

const reconnect: Workload = async world => {
  await world.cutConnections()
  await placeOrders(world)
}

/** The first order is poison, for a while; the two after it wait. Then a person decides. */
const putAside = (decision: 'redrive' | 'discard'): Workload => {
  return async world => {
    const userId = await world.newUser(100)
    await world.payments.query('insert into poisoned values ($1)', [userId])
    const { id } = await world.placeOrder(userId, 10)
    await until(async () => (await countLetters(world, userId, 'parked')) === 1)
    for (const amount of [20, 30]) await world.placeOrder(userId, amount)
    await until(async () => (await countLetters(world, userId, 'waiting')) === 2)
    if (decision === 'discard') world.givenUp.add(id)
    await world.payments.query('delete from poisoned')
    for (;;) {
      await world.ask({ act: decision })
      if ((await countLetters(world, userId, 'parked')) === 0) return
    }
  }
}

async function countLetters(world: World, userId: number, state: string): Promise<number> {
  const { rows } = await world.payments.query(
    'select count(*)::int as n from dead_letters where key = $1 and state = $2',
    [String(userId), state],
  )
  return rows[0].n
}

let oldDays = 0

/** A day that is long over, with an event in it, is dropped when the event is published. */
const dropOldDay: Workload = async world => {
  const day = new Date(Date.UTC(2020, 0, 1 + oldDays++))
  const next = new Date(day.getTime() + 86_400_000)
  const name = `outbox_${day.toISOString().slice(0, 10).replaceAll('-', '')}`
  await world.orders.query(`
    create table ${name} (like outbox including all excluding identity);
    alter table outbox attach partition ${name} for values from ('${day.toISOString()}') to ('${next.toISOString()}')`)
  const { rows } = await world.orders.query(
    `insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload, created_at)
     values ('day', $1, 'Old', $2, $1, '{}', $3) returning event_id`,
    [name, statusTopic, day],
  )
  await until(async () => {
    // The cursor has to pass the row.
    await placeOrders(world)
    await world.ask({ act: 'retain' })
    const found = await world.orders.query('select to_regclass($1) is null as gone', [name])
    return found.rows[0].gone
  })
  // Kept until it was published; the observer hears of it a moment later.
  await until(async () => world.hasArrived(rows[0].event_id))
}

/** How to come to each failpoint of the running shop. Those of migrations have a test of their own. */
export const workloadOf: Record<string, Workload> = {
  'relay.acquired': reconnect,
  'relay.renewing': placeOrders,
  'relay.claimed': placeOrders,
  'relay.published': placeOrders,
  'relay.storing': placeOrders,
  'relay.stored': placeOrders,
  'consumer.received': placeOrders,
  'consumer.taken': placeOrders,
  'consumer.handled': placeOrders,
  'consumer.committed': placeOrders,
  'consumer.parking': putAside('redrive'),
  'consumer.parked': putAside('redrive'),
  'offsets.committing': placeOrders,
  'offsets.committed': placeOrders,
  'letter.redriven': putAside('redrive'),
  'letter.closed': putAside('redrive'),
  'letter.discarded': putAside('discard'),
  'key.released': putAside('discard'),
  'retention.dropped': dropOldDay,
  'place.keyed': placeOrders,
  'place.inserted': placeOrders,
  'place.written': placeOrders,
  'place.committed': placeOrders,
  'settle.locked': placeOrders,
  'settle.updated': placeOrders,
  'debit.locked': placeOrders,
  'debit.written': placeOrders,
  'balance.keyed': changeBalances,
  'balance.written': changeBalances,
  'balance.committed': changeBalances,
}
export const shopFailpoints = Object.keys(workloadOf)
export const migrationFailpoints = ['migration.applied', 'migration.recorded', 'migration.folder_done']

const inParallel = (count: number, act: () => Promise<void>) =>
  Promise.all(Array.from({ length: count }, act))
