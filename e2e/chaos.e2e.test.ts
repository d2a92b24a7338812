import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChaos } from 'chaos/run-chaos'
import { expect, test } from 'vitest'

/** A little of what `npm run chaos` does for as long as one likes. */
test('two instances of each service, one round of faults: nothing is lost, doubled, out of order or stuck', {
  timeout: 240_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'order-payments-chaos-'))
  const result = await runChaos({
    seed: 42,
    minutes: 0,
    rate: 30,
    customers: 8,
    instances: 2,
    kinds: [
      'network',
      'kill',
      'terminate_backends',
      'long_transaction',
      'redeliver',
      'poison',
      'shift_clock',
    ],
    stepsARound: 6,
    paceMs: 1_000,
    folder,
  })
  expect(result.violations, `see ${folder}`).toEqual([])
  expect(result.orders).toBeGreaterThan(20)
  expect(Object.values(result.faults).reduce((sum, times) => sum + times)).toBeGreaterThan(5)
  rmSync(folder, { recursive: true })
})
