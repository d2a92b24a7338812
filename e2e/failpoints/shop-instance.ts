import { openLog } from 'edge/log'
import { openPool, type PostgresAddress } from 'edge/postgres'
import { startConsumer } from 'messaging/consume'
import { listDeadLetters } from 'messaging/dead-letter-rows'
import { discard, redrive } from 'messaging/dead-letters'
import { openKafka } from 'messaging/platformatic-transport'
import { startRelay } from 'messaging/relay'
import { retainOnce } from 'messaging/retention'
import { createOrdersApp } from 'orders-service/app'
import { openOrdersDatabase } from 'orders-service/database'
import { settleOrdersConsumer } from 'orders-service/orders/settle-orders'
import { createPaymentsApp } from 'payments-service/app'
import { openPaymentsDatabase } from 'payments-service/database'
import { debitAccountsConsumer } from 'payments-service/payments/debit-accounts'
import type { ServiceDatabase } from 'scripts/testing/databases'
import { withPrefix } from './topic-prefix.ts'

/** Where one shop is; plain data, so that it reaches another process. */
export type ShopPlace = {
  databases: { orders: ServiceDatabase; payments: ServiceDatabase }
  brokers: string[]
  /** Of its topics and groups, on a broker that it shares. */
  prefix: string
}

export type Request =
  | {
      act: 'call'
      service: 'orders' | 'payments'
      method: 'POST' | 'PATCH'
      url: string
      key: string
      body: object
    }
  /** What a person does about all messages of payments that are parked. */
  | { act: 'redrive' | 'discard' }
  | { act: 'retain' }
export type Answer = { status: number; body: unknown }

/** An instance of both services: what tests have called in this process, or in one that they kill. */
export type ShopInstance = { ask(request: Request): Promise<Answer>; stop(): Promise<void> }

/** As short as the machine allows: a fault is over when these are. */
export const leaseMs = 1_000
export const sessionTimeoutMs = 2_000

const log = openLog('shop', { LOG_LEVEL: process.env.FAILPOINT_LOG ?? 'silent', LOG_PRETTY: false })
const relayPace = { leaseMs, cursorIntervalMs: 20, pollMaxMs: 100, retry: { firstMs: 10, maxMs: 100 } }
const retry = { firstMs: 5, maxMs: 100 }
const consumerPace = {
  attemptsMax: 2,
  attemptRetry: retry,
  infrastructureRetry: retry,
  offsetCommitIntervalMs: 50,
  releaseIntervalMs: 100,
  subscribeRetry: retry,
}
const by = { who: 'a test', why: 'its cause is gone, or it is given up' }
const clock = () => new Date()

/** The parts of both services, wired as their main.ts wires them, at a quicker pace. */
export async function startShopInstance({ databases, brokers, prefix }: ShopPlace): Promise<ShopInstance> {
  const kafka = openKafka({ brokers, clientId: prefix, log, sessionTimeoutMs })
  const transport = withPrefix(prefix, kafka)
  const orders = engine('orders', databases.orders)
  const payments = engine('payments', databases.payments)
  const ordersDb = openOrdersDatabase(orders.pool)
  const paymentsDb = openPaymentsDatabase(payments.pool)
  const settling = settleOrdersConsumer({ log, clock })
  const debiting = debitAccountsConsumer({ log, clock })
  const settle = startConsumer({ db: ordersDb, transport, log, ...consumerPace, definition: settling })
  const debit = startConsumer({ db: paymentsDb, transport, log, ...consumerPace, definition: debiting })
  const apps = {
    orders: await createOrdersApp({ db: ordersDb, transport, log }),
    payments: await createPaymentsApp({ db: paymentsDb, transport, log }),
  }

  function engine(name: string, address: PostgresAddress) {
    const pool = openPool(address, name, 12)
    return { pool, relay: startRelay({ pool, transport, source: `/${name}`, log, ...relayPace }) }
  }

  async function act(request: Exclude<Request, { act: 'call' }>): Promise<void> {
    if (request.act === 'retain') {
      await retainOnce({ pool: orders.pool, log })
      return
    }
    const desk = { db: paymentsDb, definition: debiting, log }
    for (const { id, state } of await listDeadLetters(paymentsDb, { consumer: debiting.name })) {
      if (state !== 'parked') continue
      await (request.act === 'redrive' ? redrive(desk, id, by) : discard(desk, id, by))
    }
  }

  return {
    async ask(request) {
      if (request.act !== 'call') {
        await act(request)
        return { status: 200, body: {} }
      }
      const { service, method, url, key, body } = request
      const headers = { 'idempotency-key': key }
      const answer = await apps[service].inject({ method, url, payload: body, headers })
      return { status: answer.statusCode, body: answer.json() }
    },
    async stop() {
      await Promise.all([apps.orders.close(), apps.payments.close(), settle.stop(), debit.stop()])
      await Promise.all([orders.relay.stop(), payments.relay.stop()])
      await transport.close()
      await Promise.all([ordersDb.destroy(), paymentsDb.destroy()])
    },
  }
}
