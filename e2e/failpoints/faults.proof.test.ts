import { setTimeout as sleep } from 'node:timers/promises'
import { armFailpoints } from 'messaging/failpoint'
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest'
import { checkWorld } from './check-world.ts'
import { leaseMs, startShopInstance } from './shop-instance.ts'
import { shopFailpoints, workloadOf } from './workloads.ts'
import { World } from './world.ts'

/** Two instances of the shop in this process; the first that comes by has the fault. */
let world: World
async function open(): Promise<void> {
  world = await World.open()
  world.instances = await Promise.all([startShopInstance(world.place), startShopInstance(world.place)])
}
beforeAll(open)
afterEach(async ({ task }) => {
  armFailpoints()
  if (task.result?.state !== 'fail') return
  // What one case leaves behind must not turn those after it red.
  await world.close()
  await open()
})
afterAll(() => world?.close())

const faults: Record<string, () => Promise<unknown>> = {
  'an error': () => Promise.reject(new Error('a fault on purpose')),
  'every database connection cut': () => world.cutConnections(),
  'a wait longer than the lease': () => sleep(leaseMs * 1.1),
}

test('without a fault', () => checkWorld(world))

describe.each(Object.entries(faults))('%s', (_, bring) => {
  test.each(shopFailpoints)('at %s', async failpoint => {
    const over = Promise.withResolvers<unknown>()
    armFailpoints(async name => {
      if (name !== failpoint) return
      armFailpoints()
      const fault = bring()
      over.resolve(fault.catch(() => undefined))
      await fault
    })
    await workloadOf[failpoint]?.(world)
    // Who waits there comes back before the check, and not as the one that the next case hits.
    await over.promise
    await checkWorld(world)
  })
})
