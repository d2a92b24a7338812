import { openLog } from 'edge/log'
import { buildGateway } from 'gateway/app'
import { EventHub } from 'gateway/events/event-hub'
import { Auditor } from 'gateway/integrity/auditor'
import { type CheckName, checkNames } from 'gateway/integrity/checks'
import type { Report } from 'gateway/integrity/report'
import { integrityOf } from 'gateway/integrity/services'
import { openUpstream } from 'gateway/upstream'
import * as ordersSide from 'orders-service/test-service'
import * as paymentsSide from 'payments-service/test-service'
import { expect } from 'vitest'

export type Logged = {
  level: 'error' | 'warn' | 'info' | 'debug'
  fields: Record<string, unknown>
  text: string
}
export type Found = { check: CheckName; id: string }

/**
 * Both services on real databases and a gateway before them, all in this process; the test itself is Kafka and hands
 * the messages over, so that it decides how far each order comes.
 */
export async function openShop() {
  const [orders, payments] = await Promise.all([ordersSide.openTestService(), paymentsSide.openTestService()])
  const [ordersUrl, paymentsUrl] = await Promise.all(
    [orders, payments].map(({ app }) => app.listen({ host: '127.0.0.1', port: 0 })),
  )
  const upstreams = {
    orders: openUpstream('orders', ordersUrl as string, 5_000),
    payments: openUpstream('payments', paymentsUrl as string, 5_000),
  }
  const logged: Logged[] = []
  const write = (level: Logged['level']) => (fields: object, text?: string) =>
    void logged.push({ level, fields: fields as Logged['fields'], text: text ?? '' })
  const log = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') }
  const newAuditor = ({ settledWithinMs = 1, workMsMax = 10_000 } = {}) =>
    new Auditor(integrityOf(upstreams), log, { settledWithinMs, workMsMax })

  /** The pause between turns is for production: here the next may come at once. */
  const endPause = () => orders.pool.query("update integrity_audit set taken_until = '-infinity'")
  async function audit(auditor = newAuditor()): Promise<Report> {
    await endPause()
    const report = await auditor.auditOnce()
    if (!report) throw new Error('there is no report')
    return report
  }

  const pay = async (order: { id: string; user_id: number; amount: number }, headers = {}) => {
    const { id: order_id, user_id, amount } = order
    const message = paymentsSide.taskMessage({ order_id, user_id, amount })
    await paymentsSide.handleTasks(payments.db, [{ ...message, headers: { ...message.headers, ...headers } }])
  }
  const settle = async (order: { id: string; user_id: number; amount: number }) => {
    const [result] = await payments.resultsOf(order.id)
    if (!result) throw new Error(`payments has no result for ${order.id}`)
    await ordersSide.handleResults(orders.db, [ordersSide.resultMessage(order, result.payload)])
  }
  return {
    orders,
    payments,
    logged,
    newAuditor,
    audit,
    endPause,
    pay,
    settle,
    newUser: (balanceMinor = 100_000n) => payments.newUser(balanceMinor),
    place: (user_id: number, amount = 10) => orders.place({ user_id, amount }),
    async settledOrder(user_id: number, amount = 10) {
      const order = await orders.place({ user_id, amount })
      await pay(order)
      await settle(order)
      return order
    },
    /** As a person with psql would do it: past our code, its triggers and constraints. */
    inOrders: (text: string) => orders.address.asOwner(text),
    inPayments: (text: string) =>
      payments.address.asOwner(`
        alter table payments disable trigger user; alter table ledger_entries disable trigger user;
        ${text};
        alter table payments enable trigger user; alter table ledger_entries enable trigger user`),
    async gateway(auditor = newAuditor()) {
      const silent = openLog('test', { LOG_LEVEL: 'silent', LOG_PRETTY: false })
      return buildGateway({
        upstreams,
        hub: new EventHub({ streamsMax: 1 }, silent),
        auditor,
        checks: {},
        door: { corsOrigins: ['http://shop.test'], rateLimitPerSecond: 0, trustedProxies: [] },
        log: silent,
      })
    },
    async close() {
      await Promise.all(Object.values(upstreams).map(upstream => upstream.close()))
      await Promise.all([orders.close(), payments.close()])
    },
  }
}
export type Shop = Awaited<ReturnType<typeof openShop>>

export const foundIn = ({ checks }: Report): Found[] =>
  checks.flatMap(({ name, found }) => found.map(({ id }) => ({ check: name as CheckName, id })))

/** Every check is there with its rule, also those that hold. */
export function expectSound(report: Report): void {
  expect(foundIn(report)).toEqual([])
  expect(report).toMatchObject({ status: 'sound', violations: 0 })
  expect(report.checks.map(({ name }) => name)).toEqual(checkNames)
}
