import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startSystem } from 'scripts/test-infrastructure'
import type { SystemHandle } from 'scripts/testing/launch-system'
import { beforeAll, expect, test, vi } from 'vitest'

let system: SystemHandle
beforeAll(async () => {
  system = await startSystem()
})

type Ended = { code: number; stdout: string }

function doctor(...more: string[]): Promise<Ended> {
  const { databases, brokers, gatewayUrl, ordersUrl, paymentsUrl } = system
  const url = ({ host, port, database, user, password }: typeof databases.orders) =>
    `postgres://${user}:${password}@${host}:${port}/${database}`
  const where = [
    ...['--orders-db', url(databases.orders), '--payments-db', url(databases.payments)],
    ...[
      '--brokers',
      brokers.join(','),
      '--gateway',
      gatewayUrl,
      '--orders',
      ordersUrl,
      '--payments',
      paymentsUrl,
    ],
  ]
  return promisify(execFile)(process.execPath, ['scripts/doctor.ts', ...where, ...more], {
    cwd: join(import.meta.dirname, '..'),
  }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: Ended) => ({ code, stdout }),
  )
}

test('a running system has no fault, and each of its parts was looked at', async () => {
  // A service is healthy before its first retention run has made the partitions.
  const { code, stdout } = await vi.waitFor(
    async () => {
      const run = await doctor('--json')
      expect(JSON.parse(run.stdout).findings).not.toContainEqual(expect.objectContaining({ level: 'fault' }))
      return run
    },
    { timeout: 30_000, interval: 500 },
  )
  expect(JSON.parse(stdout).looked_at).toEqual([
    ...['orders database', 'payments database', 'Kafka'],
    ...['gateway', 'orders-service', 'payments-service'],
  ])
  expect(code).toBe(0)
})

test('what is wrong ends with 1, and a person reads what to do', async () => {
  const { code, stdout } = await doctor('--payments', 'http://127.0.0.1:9')
  expect(stdout).toMatch(
    /FAULT +payments-service \(services\)\n.*does not answer.*\n.*What it means: .*\n.*What to do: /,
  )
  expect(code).toBe(1)
})
