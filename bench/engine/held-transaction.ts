import pg from 'pg'
import { middleMs, tailMs } from '../harness/results.ts'
import type { Bench } from '../harness/section.ts'
import { quantile } from '../harness/statistics.ts'
import { Lane } from './lane.ts'
import type { RelayUnderTest } from './relay-under-test.ts'

const perSecond = 2_000
const windowSeconds = 5

/** Latency while another session of the same database holds a transaction open, with an id and a snapshot. */
export async function measureHeldTransaction(bench: Bench, relay: RelayUnderTest): Promise<void> {
  const [before, held] = bench.choose({ quick: [5, 10], usual: [20, 60], long: [60, 300] }) as [
    number,
    number,
  ]
  const lane = await Lane.open(bench.servers, relay)
  try {
    await lane.start()
    await lane.latencies(perSecond, windowSeconds)
    recordWindows(bench, 'no transaction held', await lane.latencies(perSecond, before))
    const holder = new pg.Client(lane.database.address)
    await holder.connect()
    await holder.query('begin isolation level repeatable read')
    await holder.query('select pg_current_xact_id(), count(*) from relay_cursor')
    const ms = await lane.latencies(perSecond, held)
    await holder.query('rollback')
    await holder.end()
    // What grows with time is at its worst at the end.
    recordWindows(bench, `a transaction held for ${held} s, its last third`, ms.slice((ms.length * 2) / 3))
    bench.plot({
      title: `A transaction held open, ${perSecond.toLocaleString('en-US')}/s`,
      xLabel: 'seconds held',
      yLabel: 'ms, commit to consumer',
      series: [0.5, 0.99].map(q => ({
        name: `p${q * 100}`,
        points: windows(ms).map((window, index) => ({
          x: (index + 1) * windowSeconds,
          y: quantile(window, q),
        })),
      })),
    })
    await lane.stop()
  } finally {
    await lane.close()
  }
}

function recordWindows(bench: Bench, name: string, ms: number[]): void {
  const of = windows(ms)
  bench.record(`commit to consumer, ${perSecond.toLocaleString('en-US')}/s, ${name}`, {
    p50: { kind: middleMs, values: of.map(window => quantile(window, 0.5)) },
    p99: { kind: tailMs, values: of.map(window => quantile(window, 0.99)) },
  })
}

function windows(ms: number[]): number[][] {
  const size = perSecond * windowSeconds
  return Array.from({ length: Math.max(1, Math.floor(ms.length / size)) }, (_, index) =>
    ms.slice(index * size, (index + 1) * size),
  )
}
