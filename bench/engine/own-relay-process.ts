import { Kysely, PostgresDialect } from 'kysely'
import type { OutboxEvent } from 'messaging/event'
import { outboxFor } from 'messaging/outbox'
import { openKafka } from 'messaging/platformatic-transport'
import { type RunningRelay, startRelay } from 'messaging/relay'
import { saveRoundTrips } from 'messaging/round-trips'
import type { DatabaseAddress } from 'migrations/migrate'
import pg from 'pg'
import { answerQuestions } from '../harness/worker.ts'
import { appendEvents } from './append-events.ts'
import { quiet } from './quiet.ts'
import {
  type Appended,
  type AppendOrder,
  connectAll,
  keyOf,
  payloadOf,
  writersConnections,
} from './relay-under-test.ts'

/** A service as the engine wants it: writer and relay share a pool that saves round trips. */
let relay: RunningRelay | undefined
let pool: pg.Pool | undefined
let transport: ReturnType<typeof openKafka> | undefined
/** To read, to listen, and to store the cursor. */
const relayConnections = 3
const appendToOutbox = outboxFor<OutboxEvent<'parcel.scanned', string, object>>()

async function start(database: DatabaseAddress, brokers: string[]): Promise<void> {
  transport ??= openKafka({ brokers, clientId: 'bench-relay', log: quiet })
  pool = openPool(database)
  relay = startRelay({ pool, transport, source: '/bench', log: quiet })
}

function openPool(database: DatabaseAddress): pg.Pool {
  const opened = new pg.Pool({ ...database, max: writersConnections + relayConnections })
  saveRoundTrips(opened)
  return opened
}

/** Its sessions end, so that PostgreSQL's counters are complete. */
async function stop(): Promise<void> {
  await relay?.stop()
  await pool?.end()
  relay = undefined
  pool = undefined
}

/** While the relay is stopped, for what writing alone costs. */
async function appendWithoutRelay(order: AppendOrder): Promise<Appended> {
  const own = openPool(order.database)
  return appendOver(own, order).finally(() => own.end())
}

async function appendOver(through: pg.Pool, order: AppendOrder): Promise<Appended> {
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: through }) })
  await connectAll(through)
  return appendEvents(order, event => {
    const [key, payload] = [keyOf(event), JSON.parse(payloadOf(event))]
    const parcel = { aggregateType: 'parcel', aggregateId: key, key, topic: order.topic } as const
    return db
      .transaction()
      .execute(trx => appendToOutbox(trx, [{ type: 'parcel.scanned', ...parcel, payload }]))
  })
}

const append = (order: AppendOrder) => (pool ? appendOver(pool, order) : appendWithoutRelay(order))
const questions = { start, stop, append }
export type OwnRelayQuestions = typeof questions

answerQuestions(questions, async () => {
  await stop()
  await transport?.close()
})
