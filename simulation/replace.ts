import { vi } from 'vitest'
import { virtualChance, virtualGlobals } from './virtual-time.ts'

/**
 * The product's own code runs in the simulation: relay, subscriber, batches, halving and parking, placing, paying,
 * settling. What is replaced is statements, broker client, clock and chance, file by file: each of these holds SQL or
 * a client and decides as little as can be. Vitest loads this before the tests of its project.
 */
vi.mock(import('../messaging/src/claim-window.ts'), () => import('./model/claim-window.ts'))
vi.mock(import('../messaging/src/relay-cursor.ts'), () => import('./model/relay-cursor.ts'))
vi.mock(import('../messaging/src/inbox.ts'), () => import('./model/inbox.ts'))
vi.mock(import('../messaging/src/parking.ts'), () => import('./model/parking.ts'))
vi.mock('../messaging/src/round-trips.ts', () => import('./model/round-trips.ts'))
vi.mock('../messaging/src/outbox.ts', () => import('./model/outbox.ts'))
vi.mock('../messaging/src/wake.ts', () => import('./model/wake.ts'))
vi.mock('../messaging/src/platformatic-client.ts', () => import('./model/platformatic-client.ts'))
vi.mock('../messaging/src/platformatic-reader.ts', () => import('./model/platformatic-reader.ts'))
vi.mock(import('../payments-service/src/payments/payment-rows.ts'), () => import('./model/payment-rows.ts'))
vi.mock(import('../orders-service/src/orders/order-rows.ts'), () => import('./model/order-rows.ts'))
// Redriving is not simulated: dead letters stay where they are.
vi.mock('../messaging/src/dead-letters.ts', () => ({ releaseForgottenKeys: async () => 0 }))
vi.mock('node:timers/promises', async () => {
  const { virtualSleep } = await import('./virtual-time.ts')
  return { setTimeout: virtualSleep }
})
vi.mock('node:perf_hooks', async () => (await import('./virtual-time.ts')).virtualGlobals)
for (const [name, value] of Object.entries(virtualGlobals)) vi.stubGlobal(name, value)
vi.spyOn(Math, 'random').mockImplementation(virtualChance)
