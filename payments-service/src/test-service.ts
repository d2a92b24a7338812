import { openLog } from 'edge/log'
import { openPool } from 'edge/postgres'
import { Kysely, type LogEvent, PostgresDialect, sql } from 'kysely'
import { type HandlerSettings, handleBatch } from 'messaging/handle-batch'
import type { IncomingMessage } from 'messaging/transport'
import { testDatabase } from 'scripts/test-infrastructure'
import { v7 as uuidv7 } from 'uuid'
import { vi } from 'vitest'
import { openAccount } from './accounts/open-account.ts'
import { findAccount } from './accounts/read-accounts.ts'
import { createPaymentsApp } from './app.ts'
import type { PaymentsDatabase } from './database.ts'
import { debitAccountsConsumer, tasksTopic } from './payments/debit-accounts.ts'
import { resultsTopic } from './payments/payment-events.ts'
import type { PaymentTask } from './payments/payment-task.ts'

/** The service of one test file: its own database, and Kafka only where a test brings it. */
export type TestService = Awaited<ReturnType<typeof openTestService>>

export async function openTestService() {
  const address = await testDatabase('payments')
  const pool = openPool(address, 'test', 12)
  // Dropping the database ends sessions that the pool has said goodbye to and that are not gone yet.
  pool.on('error', () => undefined)
  const statements: string[] = []
  const log = (event: LogEvent) => void statements.push(event.query.sql)
  const db = new Kysely<PaymentsDatabase>({ dialect: new PostgresDialect({ pool }), log })
  let nextUserId = 1
  const newApp = () =>
    createPaymentsApp({ db, transport: { ping: async () => undefined, lag: async () => 0 }, log: silent })
  const app = await newApp()
  return {
    address,
    db,
    pool,
    app,
    /** All that was asked of the database through `db`, in order. */
    statements,
    /** Opens an account with this balance; answers its user. */
    async newUser(balanceMinor: bigint): Promise<number> {
      const userId = nextUserId++
      await openAccount(db, { userId, balanceMinor })
      return userId
    },
    balanceOf: async (userId: number) => (await findAccount(db, userId))?.balanceMinor,
    paymentsOf: (orderId: string) =>
      db.selectFrom('payments').selectAll().where('order_id', '=', orderId).execute(),
    /** What was appended for orders-service about an order. */
    async resultsOf(orderId: string) {
      const { rows } = await sql<{ key: string; payload: Record<string, unknown> }>`
        select key, payload from outbox
        where aggregate_id = ${orderId} and topic = ${resultsTopic} order by id`.execute(db)
      return rows
    },
    empty: () =>
      address.asOwner(
        'truncate accounts, ledger_entries, payments, inbox, dead_letters, blocked_keys, outbox, idempotency_keys',
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

export const silent = openLog('test', { LOG_LEVEL: 'silent', LOG_PRETTY: false })

/** A log that remembers what it was told. */
export const listeningLog = () => ({ debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() })

let offset = 0n

/** A task as orders-service sends it: with a CloudEvents id of its own, keyed by its user. */
export function taskMessage(
  content: { order_id?: string; user_id: number; amount: number } & Record<string, unknown>,
  more: Partial<IncomingMessage> = {},
): IncomingMessage & { orderId: string } {
  const order_id = content.order_id ?? uuidv7()
  return {
    topic: tasksTopic,
    partition: 0,
    offset: offset++,
    key: String(content.user_id),
    value: Buffer.from(JSON.stringify({ ...content, order_id })),
    headers: { ce_id: uuidv7() },
    timestamp: new Date(),
    ...more,
    orderId: order_id,
  }
}

/** Hands the messages to the consumer, as the broker's client would do with one fetch. */
export function handleTasks(
  db: Kysely<PaymentsDatabase>,
  messages: IncomingMessage[],
  more: Partial<HandlerSettings<PaymentsDatabase, PaymentTask>> = {},
  signal: AbortSignal = new AbortController().signal,
) {
  const definition = debitAccountsConsumer({
    log: more.log ?? silent,
    clock: () => new Date(),
  })
  return handleBatch({ db, definition, log: silent, ...more }, messages, signal)
}

/** How many rows of each kind there are, and what the accounts and their ledgers add up to. */
export async function countAll(db: Kysely<PaymentsDatabase>) {
  const { rows } = await sql<Record<Counted, number>>`
    select (select count(*)::int from inbox) as inbox,
           (select count(*)::int from payments) as payments,
           (select count(*)::int from ledger_entries where kind = 'payment') as debits,
           (select count(*)::int from outbox) as results,
           (select count(*)::int from dead_letters) as dead_letters`.execute(db)
  return rows[0]
}
type Counted = 'inbox' | 'payments' | 'debits' | 'results' | 'dead_letters'

/** Users whose balance is not the sum of their entries, or whose entries do not follow from each other; none is right. */
export async function findBrokenLedgers(db: Kysely<PaymentsDatabase>): Promise<number[]> {
  const { rows } = await sql<{ user_id: bigint }>`
    with entries as (
      select *, sum(amount_minor) over (partition by user_id order by position) as running from ledger_entries
    )
    select a.user_id from accounts a left join entries e using (user_id)
    group by a.user_id, a.balance_minor
    having a.balance_minor <> coalesce(sum(e.amount_minor), 0)
        or bool_or(e.running <> e.balance_after_minor)`.execute(db)
  return rows.map(({ user_id }) => Number(user_id))
}
