import { openDatabase, openPool } from 'edge/postgres'
import type { ConsumerDefinition } from 'messaging/consumer'
import { listDeadLetters } from 'messaging/dead-letter-rows'
import { type Desk, discard } from 'messaging/dead-letters'
import { settleOrdersConsumer } from 'orders-service/orders/settle-orders'
import { debitAccountsConsumer } from 'payments-service/payments/debit-accounts'
import type { Databases } from '../system/chaos-system.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const wiring = { log, clock: () => new Date() }

/** What an operator does about poison: gives it up, and those that waited behind it are handled in order. */
export async function discardLetters(databases: Databases): Promise<number> {
  const payments = await discardIn(databases.payments, debitAccountsConsumer(wiring))
  const orders = await discardIn(databases.orders, settleOrdersConsumer(wiring))
  return payments + orders
}

async function discardIn<DB, Payload>(
  address: Databases['orders'],
  definition: ConsumerDefinition<DB, Payload>,
): Promise<number> {
  const db = openDatabase<DB>(openPool(address, 'chaos', 4))
  const desk: Desk<DB, Payload> = { db, definition, log }
  try {
    let discarded = 0
    for (const { id, state } of await listDeadLetters(db)) {
      if (state !== 'parked') continue
      await discard(desk, id, { who: 'chaos', why: 'it had been injected' })
      discarded++
    }
    return discarded
  } finally {
    await db.destroy()
  }
}
