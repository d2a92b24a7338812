import { violations } from './check.ts'
import { heal, upset } from './nemesis.ts'
import { Scheduler } from './scheduler.ts'
import { Shop } from './shop.ts'
import { runOn } from './virtual-time.ts'

const stepsToHealMax = 1_500
const stepsAfterHealMax = 5_000
/** At rest, this many more steps must not change anything. */
const stepsAtRest = 60
const stepsBetweenChecks = 20

export type Run = { seed: number; steps: number; violations: string[]; trace: string[] }

/** One run of the whole shop: work under faults, then healing, then everything must come right and stay so. */
export async function simulate(seed: number): Promise<Run> {
  const scheduler = new Scheduler(seed)
  runOn(scheduler)
  const shop = new Shop(scheduler)
  scheduler.faultRate = scheduler.pick([0, 0.01, 0.04])
  const upsetRate = scheduler.pick([0, 0.01, 0.03])
  const healAt = scheduler.between(50, 400)
  for (let step = 0; step < stepsToHealMax && (step < healAt || shop.customersAtWork > 0); step++) {
    if (scheduler.chance(upsetRate)) upset(shop)
    await scheduler.step()
  }
  heal(shop)
  let found = violations(shop)
  for (let step = 0; step < stepsAfterHealMax && found.length > 0; step++) {
    await scheduler.step()
    if (step % stepsBetweenChecks === 0) found = violations(shop)
  }
  for (let step = 0; step < stepsAtRest; step++) await scheduler.step()
  return { seed, steps: scheduler.steps, violations: violations(shop), trace: scheduler.trace }
}
