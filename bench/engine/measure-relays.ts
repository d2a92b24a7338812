import { amount, middleMs, rate, tailMs } from '../harness/results.ts'
import type { Bench, Scenario } from '../harness/section.ts'
import { quantile } from '../harness/statistics.ts'
import { Lane } from './lane.ts'
import type { RelayUnderTest } from './relay-under-test.ts'

/** The same measures for any relay, in turns. */
export async function measureRelays(bench: Bench, relays: readonly RelayUnderTest[]): Promise<void> {
  const lanes: Lane[] = []
  try {
    for (const relay of relays) lanes.push(await Lane.open(bench.servers, relay))
    const each = (scenario: (lane: Lane) => Scenario) => bench.measure(...lanes.map(scenario))
    const name = (lane: Lane, what: string) => `${lane.name}: ${what}`

    const rows = bench.choose({ quick: 50_000, usual: 500_000 })
    await each(lane => ({
      name: name(lane, `drain of ${rows.toLocaleString('en-US')} rows`),
      figures: { published: rate('rows/s') },
      once: async () => ({ published: await lane.drain(rows) }),
    }))

    const seconds = bench.choose({ quick: 3, usual: 10 })
    for (const perSecond of [100, 2_000]) {
      await each(lane => ({
        name: name(lane, `commit to consumer, ${perSecond.toLocaleString('en-US')}/s`),
        figures: { p50: middleMs, p99: tailMs },
        async once() {
          await lane.start()
          const ms = await lane.latencies(perSecond, seconds + 1)
          await lane.stop()
          // The first second finds connections that are not made yet.
          const steady = ms.slice(perSecond)
          return { p50: quantile(steady, 0.5), p99: quantile(steady, 0.99) }
        },
      }))
    }

    await each(lane => ({
      name: name(lane, 'what publishing writes, 100/s'),
      figures: {
        'WAL beyond the insert': amount('bytes/message', 50),
        'dead tuples': amount('/message'),
        'dead tuples elsewhere': amount('/message', 50),
      },
      async once() {
        const alone = await lane.footprint(100, seconds, false)
        // The events of the run without a relay are published here, before what is counted.
        await lane.catchUp()
        const published = await lane.footprint(100, seconds, true)
        return {
          'WAL beyond the insert': published.walBytes - alone.walBytes,
          'dead tuples': published.deadEvents - alone.deadEvents,
          'dead tuples elsewhere': published.deadOthers - alone.deadOthers,
        }
      },
    }))
  } finally {
    for (const lane of lanes) await lane.close()
  }
}
