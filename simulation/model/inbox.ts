import type { Transaction } from 'kysely'
import type { Received } from '../../messaging/src/inbox.ts'
import { type ModelTransaction, modelOf } from './database.ts'

export async function takeNew<DB>(
  given: Transaction<DB>,
  consumer: string,
  received: Received[],
): Promise<Set<string>> {
  const trx = modelOf<ModelTransaction>(given)
  await trx.statement(`take ${received.length} into inbox`)
  const taken = new Set<string>()
  for (const { eventId } of received.toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1))) {
    const key = `inbox/${consumer}/${eventId}`
    if (!(await trx.claim(key))) continue
    trx.set(key, true)
    taken.add(eventId)
  }
  return taken
}
