import { noOrderId } from 'edge/integrity'
import type { OpenFinding } from './open-findings.ts'
import type { Report } from './report.ts'

/**
 * What is walked through: settled orders beside their payments; the payments behind those, which are young, or of other
 * programs whose order ids are random and so of no time; balances; ledger entries.
 */
export type AreaName = 'orders' | 'payments' | 'accounts' | 'ledger'
export const areaNames: AreaName[] = ['orders', 'payments', 'accounts', 'ledger']
export const firstPlace: Record<AreaName, string> = {
  orders: noOrderId,
  payments: noOrderId,
  accounts: '0'.repeat(16),
  ledger: `${'0'.repeat(16)}/${'0'.repeat(19)}`,
}

/** One walk through all of an area, again and again. */
export type Sweep = { at: string; checked: number; started_at: string; last?: FinishedSweep }
export type FinishedSweep = { started_at: string; finished_at: string; checked: number }

/** What one turn leaves to the next, whichever gateway has it. */
export type Progress = {
  /** All orders up to here have been compared once they should have been settled. */
  verified_to: string
  sweeps: Record<AreaName, Sweep>
  findings: OpenFinding[]
  report?: Report
}

export const startOfProgress = (now: Date): Progress => {
  const sweep = (area: AreaName): Sweep => ({
    at: firstPlace[area],
    checked: 0,
    started_at: now.toISOString(),
  })
  return {
    verified_to: noOrderId,
    sweeps: {
      orders: sweep('orders'),
      payments: sweep('payments'),
      accounts: sweep('accounts'),
      ledger: sweep('ledger'),
    },
    findings: [],
  }
}
