import { expect, test } from 'vitest'
import { simulate } from './simulate.ts'

const only = process.env.SEED
const minutesMax = 10

/** One test over all of these seeds; SEED=17 in the environment runs that one instead and prints what happened. */
export function testSeeds(from: number, to: number): void {
  test.skipIf(only)(`seeds ${from} to ${to}`, { timeout: minutesMax * 60_000 }, async () => {
    for (let seed = from; seed <= to; seed++) {
      const { violations } = await simulate(seed)
      expect(violations, `seed ${seed}; to see it step by step: SEED=${seed} npm test -- simulation`).toEqual(
        [],
      )
    }
  })

  const isOurs = Number(only) >= from && Number(only) <= to
  test.runIf(isOurs)(`seed ${only}`, async () => {
    const { violations, trace } = await simulate(Number(only))
    console.log(trace.join('\n'))
    expect(violations).toEqual([])
  })
}
