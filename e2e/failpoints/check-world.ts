import { check } from 'chaos/checker/check'
import { inOrder, readRows } from 'chaos/checker/read-state'
import type { Pool } from 'pg'
import { expect } from 'vitest'
import { workloadOf } from './workloads.ts'
import type { World } from './world.ts'

/** From the moment the fault is over. */
const healedWithinMs = 30_000

/**
 * Liveness first: all that was accepted, and an order placed now, is settled and told of within a bound. Then safety:
 * nothing lost, doubled, out of order within a key; money adds up. Forgets what it has checked.
 */
export async function checkWorld(world: World): Promise<void> {
  await workloadOf['place.written']?.(world)
  await expect
    .poll(() => findUnfinished(world), { timeout: healedWithinMs, interval: 50, message: 'not healed' })
    .toEqual([])
  expect(await findAllWrongs(world)).toEqual([])
  await world.forget()
}

/** Users are new in every case, so what came before it has its order checked already. */
async function newEvents(
  world: World,
  pool: Pool,
): Promise<{ topic: string; key: string; event_id: string }[]> {
  const after = world.checkedTo.get(pool) ?? '0'
  return (await pool.query('select topic, key, event_id from outbox where id > $1 order by id', [after])).rows
}

async function findUnfinished(world: World): Promise<string[]> {
  const unfinished: string[] = []
  const open = await world.orders.query("select id from orders where status in ('NEW', 'PENDING_PAYMENT')")
  for (const { id } of open.rows) if (!world.givenUp.has(id)) unfinished.push(`order ${id} is open`)
  for (const pool of [world.orders, world.payments]) {
    const letters = await pool.query(
      "select event_id, state, reason from dead_letters where state in ('parked', 'waiting')",
    )
    for (const letter of letters.rows) unfinished.push(`dead letter ${JSON.stringify(letter)}`)
    const { rows: keys } = await pool.query('select key from blocked_keys')
    for (const { key } of keys) unfinished.push(`key ${key} is blocked`)
    for (const { event_id } of await newEvents(world, pool))
      if (!world.hasArrived(event_id)) unfinished.push(`event ${event_id} is not published`)
  }
  return unfinished
}

async function findAllWrongs(world: World): Promise<string[]> {
  const users = [...new Set(world.history.attempts.map(({ user }) => user))]
  const rows = await readRows(world.orders, world.payments, users)
  const violations = check(world.history, { ...rows, topics: inOrder(world.messages), backlog: [] })
  const wrongs = [
    ...world.observed,
    ...violations
      .filter(({ order = '' }) => !world.givenUp.has(order))
      .map(violation => JSON.stringify(violation)),
  ]
  const order = new Map<string, string[]>()
  for (const pool of [world.orders, world.payments]) {
    for (const { topic, key, event_id } of await newEvents(world, pool)) {
      const name = `${topic} ${key}`
      order.set(name, [...(order.get(name) ?? []), event_id])
    }
  }
  for (const [name, ids] of order) {
    const arrived = world.arrivals.get(name)
    if (String(arrived) !== String(ids)) wrongs.push(`${name}: written ${ids}, arrived first ${arrived}`)
  }
  const paid = await world.payments.query('select order_id from payments where order_id = any ($1::uuid[])', [
    [...world.givenUp],
  ])
  for (const { order_id } of paid.rows) wrongs.push(`order ${order_id} was discarded and paid all the same`)
  return wrongs
}
