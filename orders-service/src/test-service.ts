import { openLog } from 'edge/log'
import { openPool } from 'edge/postgres'
import { Kysely, type LogEvent, PostgresDialect, sql } from 'kysely'
import { type HandlerSettings, handleBatch } from 'messaging/handle-batch'
import type { IncomingMessage } from 'messaging/transport'
import { testDatabase } from 'scripts/test-infrastructure'
import { v7 as uuidv7 } from 'uuid'
import { createOrdersApp, type OrdersAppDependencies } from './app.ts'
import type { OrdersDatabase } from './database.ts'
import type { PaymentResult } from './orders/order.ts'
import type { OrderAnswer } from './orders/order-schema.ts'
import { resultsTopic, settleOrdersConsumer } from './orders/settle-orders.ts'

/** The service of one test file: its own database, and Kafka only where a test brings it. */
export type TestService = Awaited<ReturnType<typeof openTestService>>

export async function openTestService() {
  const address = await testDatabase('orders')
  const pool = openPool(address, 'test', 12)
  const statements: string[] = []
  const log = (event: LogEvent) => void statements.push(event.query.sql)
  const db = new Kysely<OrdersDatabase>({ dialect: new PostgresDialect({ pool }), log })
  const newApp = (more: Partial<OrdersAppDependencies> = {}) =>
    createOrdersApp({
      db,
      transport: { ping: async () => undefined, lag: async () => 0 },
      log: silent,
      ...more,
    })
  const app = await newApp()
  // Async, so that the request begins at once: inject alone waits until its answer is asked for.
  const post = async (body: object, headers: Record<string, string> = {}, to = app) =>
    to.inject({ method: 'POST', url: '/orders', payload: body, headers })
  return {
    address,
    db,
    pool,
    app,
    /** All that was asked of the database through `db`, in order. */
    statements,
    post,
    get: (url: string) => app.inject({ method: 'GET', url }),
    async place({ user_id = 7, amount = 10.5 } = {}): Promise<OrderAnswer> {
      return (await post({ user_id, amount })).json()
    },
    findOrder: async (id: string): Promise<OrderAnswer> => (await app.inject(`/orders/${id}`)).json(),
    /** What was appended for a topic, oldest first. */
    async outboxOf(topic: string) {
      const { rows } = await sql<{
        xid: string
        key: string
        aggregate_id: string
        payload: Payload
        headers: unknown
      }>`
        select xid::text, key, aggregate_id, payload, headers from outbox where topic = ${topic} order by id`.execute(
        db,
      )
      return rows
    },
    async deadLetters() {
      const { rows } = await sql<{ event_id: string; state: string; reason: string | null }>`
        select event_id, state, reason from dead_letters order by id`.execute(db)
      return rows
    },
    /** Makes every append to the outbox fail. */
    async whileOutboxFails<Result>(act: () => Promise<Result>): Promise<Result> {
      await address.asOwner(`
        create function refuse_event() returns trigger language plpgsql as $$
        begin raise exception 'no event is taken'; end $$;
        create trigger refuse_event before insert on outbox execute function refuse_event()`)
      try {
        return await act()
      } finally {
        await address.asOwner('drop function refuse_event cascade')
      }
    },
    empty: () =>
      address.asOwner(
        'truncate orders, integrity_audit, inbox_floor, inbox, dead_letters, blocked_keys, outbox, idempotency_keys',
      ),
    /** Another instance on the same database. Close it. */
    newApp,
    async close() {
      await app.close()
      await db.destroy()
      await address.drop()
    },
  }
}
type Payload = Record<string, unknown>

export const silent = openLog('test', { LOG_LEVEL: 'silent', LOG_PRETTY: false })

let offset = 0n

/** A result as payments-service sends it: with a CloudEvents id of its own, keyed by its user. */
export function resultMessage(
  order: { id: string; user_id: number; amount: number },
  content: Record<string, unknown>,
  more: Partial<IncomingMessage> = {},
): IncomingMessage {
  const value = {
    payment_id: uuidv7(),
    order_id: order.id,
    user_id: order.user_id,
    amount: order.amount,
    timestamp: new Date().toISOString(),
    ...content,
  }
  return {
    topic: resultsTopic,
    partition: 0,
    offset: offset++,
    key: String(order.user_id),
    value: Buffer.from(JSON.stringify(value)),
    headers: { ce_id: uuidv7() },
    timestamp: new Date(),
    ...more,
  }
}

/** Hands the messages to the consumer, as the broker's client would do with one fetch. */
export function handleResults(
  db: Kysely<OrdersDatabase>,
  messages: IncomingMessage[],
  more: Partial<HandlerSettings<OrdersDatabase, PaymentResult>> = {},
  signal: AbortSignal = new AbortController().signal,
) {
  const definition = settleOrdersConsumer({
    log: silent,
    clock: () => new Date(),
  })
  const attemptRetry = { firstMs: 1, maxMs: 1 }
  return handleBatch({ db, definition, log: silent, attemptRetry, ...more }, messages, signal)
}
