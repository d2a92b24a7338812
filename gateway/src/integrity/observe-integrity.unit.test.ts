import { openMetrics } from 'edge/telemetry/metrics'
import { expect, test } from 'vitest'
import { checkNames } from './checks.ts'
import { observeIntegrity } from './observe-integrity.ts'
import type { Report } from './report.ts'

test('violations are unknown before the first audit, then what it found', async () => {
  const metrics = openMetrics()
  const auditor: { latest: Report | undefined } = { latest: undefined }
  observeIntegrity(metrics, auditor)
  const [name] = checkNames
  expect(await metrics.text()).toMatch(new RegExp(`^integrity_violations\\{check="${name}"\\} nan$`, 'im'))
  const checks = [{ name, violations: 2 }]
  auditor.latest = { at: new Date().toISOString(), checks } as unknown as Report
  const text = await metrics.text()
  expect(text).toContain(`integrity_violations{check="${name}"} 2\n`)
  expect(text).toMatch(/^integrity_report_age_seconds 0(\.\d+)?$/m)
})
