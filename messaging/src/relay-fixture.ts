import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { testBrokers, testDatabase, uniqueName } from 'scripts/test-infrastructure'
import type { OutboxEvent } from './event.ts'
import type { Log } from './log.ts'
import { outboxFor } from './outbox.ts'
import { openKafka } from './platformatic-transport.ts'
import { Relay } from './relay-rounds.ts'
import type { RelaySettings } from './relay-settings.ts'
import { saveRoundTrips } from './round-trips.ts'
import type { OutgoingMessage } from './transport.ts'

export const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} }

type Parcel = OutboxEvent<'parcel.scanned', string, { scan: number }>
export const appendScans = outboxFor<Parcel>()

/** An outbox of its own on real PostgreSQL, a topic of its own on real Kafka, and relays between them. */
export async function openRelayFixture() {
  const database = await testDatabase('messaging')
  const topic = uniqueName('scans')
  function openPool() {
    const pool = new pg.Pool({ ...database, max: 20 })
    // Sessions are ended on purpose by some tests, and all of them when the database is dropped.
    pool.on('error', () => {})
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
    /** One committed transaction that appends these scans under one key. */
    const append = (key: string, ...scans: number[]) =>
      db.transaction().execute(trx =>
        appendScans(
          trx,
          scans.map(scan => scanned(topic, key, scan)),
        ),
      )
    return { pool, db, append }
  }
  const { pool, db, append } = openPool()
  saveRoundTrips(pool)
  const kafka = openKafka({ brokers: testBrokers(), clientId: 'relay-test', log: quiet })
  await kafka.ensureTopics([{ topic, partitions: 1, replication: 1, minInsyncReplicas: 1 }])
  /** What the broker has acknowledged, in the order it was asked to store it. */
  const published: OutgoingMessage[] = []
  const transport = {
    async publish(messages: OutgoingMessage[]) {
      await kafka.publish(messages)
      published.push(...messages)
    },
  }
  const relays: Relay[] = []

  return {
    database,
    pool,
    db,
    topic,
    kafka,
    transport,
    published,
    scans: () => published.map(({ value }) => (JSON.parse(value) as { scan: number }).scan),
    ids: () => published.map(({ headers }) => headers.ce_id as string),
    settings: (more: Partial<RelaySettings> = {}): RelaySettings => ({
      pool,
      transport,
      source: '/relay-test',
      log: quiet,
      ...more,
    }),
    openRelay(more: Partial<RelaySettings> = {}): Relay {
      const relay = new Relay(this.settings(more))
      relays.push(relay)
      return relay
    },
    append,
    openPool,
    query: async <Row extends object>(text: string) => (await sql.raw<Row>(text).execute(db)).rows,
    async close() {
      for (const relay of relays) await relay.release().catch(() => undefined)
      await kafka.close()
      await pool.end()
      await database.drop()
    },
  }
}

export type RelayFixture = Awaited<ReturnType<typeof openRelayFixture>>

export const scanned = (topic: string, key: string, scan: number): Parcel => ({
  type: 'parcel.scanned',
  topic,
  key,
  aggregateType: 'parcel',
  aggregateId: key,
  payload: { scan },
})

/** Relays until a round finds nothing; answers how many rows were published. */
export async function relayAll(relay: Relay, roundsMax = 10_000): Promise<number> {
  let rows = 0
  for (let round = 0; round < roundsMax; round++) {
    const outcome = await relay.relayOnce()
    if (outcome.kind !== 'published') return rows
    rows += outcome.rows
  }
  throw new Error(`still publishing after ${roundsMax} rounds`)
}
