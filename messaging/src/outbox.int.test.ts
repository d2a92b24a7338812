import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MessageTooLargeError, outboxFor } from './outbox.ts'
import { appendScans, openRelayFixture, type RelayFixture, scanned } from './relay-fixture.ts'

let outbox: RelayFixture
beforeEach(async () => {
  outbox = await openRelayFixture()
})
afterEach(() => outbox.close())

test('rows keep the order in which their events were given, in one statement', async () => {
  await outbox.append('a', 5, 3, 9, 1)
  const rows = await outbox.query<{ scan: number; xids: number }>(
    "select (payload->>'scan')::int as scan from outbox order by id",
  )
  expect(rows.map(({ scan }) => scan)).toEqual([5, 3, 9, 1])
})

test('events and the change they tell of exist together or not at all', async () => {
  await outbox.database.asOwner('create table parcels (id text primary key); grant all on parcels to public')
  const place = (fail: boolean) =>
    outbox.db.transaction().execute(async trx => {
      await sql`insert into parcels values ('a')`.execute(trx)
      await appendScans(trx, [scanned(outbox.topic, 'a', 1)])
      if (fail) throw new Error('after both')
    })
  const count = async () =>
    (
      await outbox.query(
        'select (select count(*) from parcels)::int as parcels, (select count(*) from outbox)::int as events',
      )
    )[0]
  await expect(place(true)).rejects.toThrow('after both')
  expect(await count()).toEqual({ parcels: 0, events: 0 })
  await place(false)
  expect(await count()).toEqual({ parcels: 1, events: 1 })
})

test('an event too large for the broker is refused in the transaction, with its size and its limit', async () => {
  const append = outboxFor({ messageBytesMax: 100 })
  const event = { ...scanned(outbox.topic, 'a', 1), payload: { text: 'ä'.repeat(50) } }
  const appending = outbox.db
    .transaction()
    .execute(trx => append(trx, [scanned(outbox.topic, 'a', 0), event]))
  await expect(appending).rejects.toThrow(MessageTooLargeError)
  await expect(appending).rejects.toThrow(/112 bytes; the broker takes 100/)
  expect(await outbox.query('select from outbox')).toEqual([])
})

test('a given event id and headers are kept', async () => {
  const eventId = '0190a0a0-0000-7000-8000-000000000001'
  await outbox.db
    .transaction()
    .execute(trx =>
      appendScans(trx, [
        { ...scanned(outbox.topic, 'a', 1), eventId, headers: { traceparent: '00-1-1-01' } },
      ]),
    )
  await outbox.openRelay().relayOnce()
  expect(outbox.published[0]!.headers).toMatchObject({ ce_id: eventId, traceparent: '00-1-1-01' })
})
