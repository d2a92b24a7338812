import { type Finding, findingsMax, lastOrderId, type Slice, type Turn } from 'edge/integrity'
import { compareRows } from './compare-rows.ts'
import { type AreaName, firstPlace } from './progress.ts'
import type { Integrity } from './services.ts'

/** Checks the next slice of an area. */
export type CheckSlice = (after: string) => Promise<Slice>

export const sliceChecks = (services: Integrity, settledBefore: string): Record<AreaName, CheckSlice> => ({
  orders: after => checkBoth(services, { after, until: settledBefore }),
  payments: after => checkLater(services, after > settledBefore ? after : settledBefore),
  accounts: after => services.checkAccounts(after),
  ledger: after => services.checkLedger(after),
})

/**
 * Each service checks its own rows; then the digests of both are compared, and only where they differ the rows.
 * Orders are read first: a result that was there then comes from a payment that is there later.
 */
async function checkBoth(
  services: Integrity,
  { after, until }: { after: string; until: string },
): Promise<Slice> {
  let orders = await services.checkOrders({ after, until })
  const payments = await services.checkPayments({ after, until: orders.until })
  if (payments.until !== orders.until) orders = await services.checkOrders({ after, until: payments.until })
  const isSame = orders.digest === payments.digest && orders.agreed === payments.agreed
  const disagreements = isSame ? [] : await compare(services, { after, until: orders.until })
  return {
    until: orders.until,
    is_last: orders.until === until,
    checked: orders.checked,
    findings: [...orders.findings, ...payments.findings, ...disagreements].slice(0, findingsMax),
  }
}

/** A payment, its debit and its task are of one transaction, so these are right at any age. */
async function checkLater(services: Integrity, after: string): Promise<Slice> {
  const { until, is_last, checked, findings } = await services.checkPayments({ after, until: lastOrderId })
  return { until, is_last, checked, findings }
}

async function compare(services: Integrity, range: { after: string; until: string }): Promise<Finding[]> {
  const orders = await services.readRows('orders', range)
  const payments = await services.readRows('payments', range)
  return compareRows(orders.rows, payments.rows)
}

/** Open orders that should have been settled: has payments decided? */
export async function checkOverdue(services: Integrity, { oldest }: Turn['overdue']): Promise<Slice> {
  const findings = await Promise.all(
    oldest.map(async ({ id, user_id }): Promise<Finding> => {
      const isPaid = await services.isPaid(id)
      return {
        check: isPaid ? 'result_not_settled' : 'order_not_paid',
        id,
        at: id,
        detail: `open, of user ${user_id}; ${isPaid ? 'payments has decided it' : 'payments has not decided it'}`,
      }
    }),
  )
  return { until: firstPlace.orders, is_last: true, checked: oldest.length, findings }
}
