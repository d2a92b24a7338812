import type { Metrics } from 'edge/telemetry/metrics'
import { Gauge } from 'prom-client'
import { checkNames } from './checks.ts'
import type { Report } from './report.ts'

/** What the audit knew last. NaN until it has known anything: neither sound nor violated. */
export function observeIntegrity({ registry }: Metrics, auditor: { latest: Report | undefined }): void {
  const registers = [registry]
  new Gauge({
    name: 'integrity_violations',
    help: 'Orders or accounts for which a rule does not hold, by check; at most 20 of each are known',
    labelNames: ['check'],
    registers,
    collect() {
      for (const name of checkNames) {
        const check = auditor.latest?.checks.find(one => one.name === name)
        this.set({ check: name }, check?.violations ?? Number.NaN)
      }
    },
  })
  new Gauge({
    name: 'integrity_report_age_seconds',
    help: 'Since the last turn of the audit that this gateway knows of',
    registers,
    collect() {
      const { latest } = auditor
      this.set(latest ? (Date.now() - Date.parse(latest.at)) / 1_000 : Number.NaN)
    },
  })
}
