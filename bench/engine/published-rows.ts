import { middleMs, rate, tailMs } from '../harness/results.ts'
import type { Bench } from '../harness/section.ts'
import { quantile } from '../harness/statistics.ts'
import { Lane } from './lane.ts'
import type { RelayUnderTest } from './relay-under-test.ts'

/** What is published stays in the table for days: it must not slow down what comes after it. */
export async function measurePublishedRows(bench: Bench, relay: RelayUnderTest): Promise<void> {
  const published = bench.choose({ quick: 100_000, usual: 1_000_000, long: 10_000_000 })
  const drained = bench.choose({ quick: 20_000, usual: 100_000 })
  const seconds = bench.choose({ quick: 3, usual: 10 })
  const lane = await Lane.open(bench.servers, relay)
  try {
    bench.say(`publishing ${published.toLocaleString('en-US')} rows first`)
    await lane.fill(published)
    await lane.catchUp()
    await bench.measure({
      name: `behind ${published.toLocaleString('en-US')} published rows`,
      figures: { drain: rate('rows/s'), 'p50 at 100/s': middleMs, 'p99 at 100/s': tailMs },
      async once() {
        const drain = await lane.drain(drained)
        await lane.start()
        const ms = (await lane.latencies(100, seconds + 1)).slice(100)
        await lane.stop()
        return { drain, 'p50 at 100/s': quantile(ms, 0.5), 'p99 at 100/s': quantile(ms, 0.99) }
      },
    })
  } finally {
    await lane.close()
  }
}
