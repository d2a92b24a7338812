import { type Kysely, sql } from 'kysely'
import { startConsumer } from 'messaging/consume'
import type { ConsumerDefinition } from 'messaging/consumer'
import type { OutboxEvent } from 'messaging/event'
import type { Log } from 'messaging/log'
import { outboxFor } from 'messaging/outbox'
import { startRelay } from 'messaging/relay'
import type { Transport } from 'messaging/transport'
import type { Pool } from 'pg'

type Scanned = OutboxEvent<'parcel.scanned', string, { parcel: string; place: string }>
const appendToOutbox = outboxFor<Scanned>()

export function startDepot(pool: Pool, db: Kysely<unknown>, transport: Transport, topic: string, log: Log) {
  const relay = startRelay({ pool, transport, source: '/depot', log })
  async function scan(parcel: string, place: string) {
    await db.transaction().execute(async trx => {
      await sql`update parcels set place = ${place} where parcel = ${parcel}`.execute(trx)
      const about = { aggregateType: 'parcel', aggregateId: parcel, payload: { parcel, place } }
      await appendToOutbox(trx, [{ type: 'parcel.scanned', topic, key: parcel, ...about }])
    })
    relay.wake()
  }
  return { scan, stop: () => relay.stop() }
}

export const startOffice = (db: Kysely<unknown>, transport: Transport, topic: string, log: Log) =>
  startConsumer({ db, transport, log, definition: officeOf(topic) })

export const officeOf = (topic: string): ConsumerDefinition<unknown, Scanned['payload']> => ({
  name: `office of ${topic}`,
  topics: [topic],
  decode: ({ value }) => ({ ok: true, payload: JSON.parse(String(value)) }),
  async handle(trx, messages) {
    const arrivals = JSON.stringify(messages.map(({ payload }) => payload))
    const rows = sql`json_to_recordset(${arrivals}) as a (parcel text, place text)`
    await sql`insert into arrivals (parcel, place) select parcel, place from ${rows}`.execute(trx)
  },
})
