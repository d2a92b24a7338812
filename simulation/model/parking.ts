import type { Transaction } from 'kysely'
import type { Received } from '../../messaging/src/inbox.ts'
import type { ToPark } from '../../messaging/src/parking.ts'
import { type ModelTransaction, modelOf } from './database.ts'

export const keyName = (topic: string, key: string) => `${topic} ${key}`

const blockedKeys = (consumer: string, received: Received[]) => {
  const keys = received.flatMap(({ source: { topic, key } }) => (key === null ? [] : [keyName(topic, key)]))
  return [...new Set(keys)].sort().map(name => ({ name, row: `blocked_keys/${consumer}/${name}` }))
}

export async function lockBlockedKeys<DB>(
  given: Transaction<DB>,
  consumer: string,
  received: Received[],
): Promise<Set<string>> {
  const trx = modelOf<ModelTransaction>(given)
  await trx.statement('lock blocked keys')
  // Rows that were not there when the statement began are not waited for.
  const found = blockedKeys(consumer, received).filter(({ row }) => trx.get(row))
  for (const { row } of found) await trx.lock(row, 'shared')
  return new Set(found.map(({ name }) => name))
}

export async function park<DB>(given: Transaction<DB>, consumer: string, letters: ToPark[]): Promise<void> {
  const trx = modelOf<ModelTransaction>(given)
  if (letters.length === 0) return
  await trx.statement(`park ${letters.map(({ eventId, state }) => `${eventId} (${state})`)}`)
  for (const { eventId, source, state } of letters) {
    await trx.lock(`dead_letters/${consumer}/${eventId}`)
    trx.set(`dead_letters/${consumer}/${eventId}`, { state, source })
  }
  const parked = letters.filter(({ state }) => state === 'parked')
  for (const { row } of blockedKeys(consumer, parked)) {
    await trx.lock(row)
    trx.set(row, true)
  }
}
