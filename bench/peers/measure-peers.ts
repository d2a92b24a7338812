import pg from 'pg'
import type { Lane } from '../engine/lane.ts'
import { amount, middleMs, rate, tailMs } from '../harness/results.ts'
import type { Bench, Scenario } from '../harness/section.ts'
import { quantile } from '../harness/statistics.ts'

export type Pace = {
  perSecond: number
  seconds: number
  /** Another transaction, with an id and a snapshot, stays open from beginning to end. */
  isHeld?: boolean
}

export const drain = (bench: Bench, lane: Lane, rows: number, warmUps: number): Scenario =>
  orGivenUp(bench, {
    name: `${lane.name}: drain of ${rows.toLocaleString('en-US')} rows`,
    figures: { published: rate('rows/s') },
    warmUps,
    once: async () => ({ published: await lane.drain(rows) }),
  })

export const commitToConsumer = (bench: Bench, lane: Lane, { perSecond, seconds, isHeld }: Pace): Scenario =>
  orGivenUp(bench, {
    name: `${lane.name}: commit to consumer, ${perSecond.toLocaleString('en-US')}/s${isHeld ? ', a transaction held open' : ''}`,
    figures: { p50: middleMs, p99: tailMs },
    warmUps: 0,
    async once() {
      const holder = new pg.Client(lane.database.address)
      await holder.connect()
      if (isHeld) await holder.query('begin isolation level repeatable read; select pg_current_xact_id()')
      await lane.start()
      try {
        // The first second finds connections that are not made yet.
        const ms = (await lane.latencies(perSecond, seconds + 1)).slice(perSecond)
        return { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) }
      } finally {
        await lane.stop()
        await holder.end()
      }
    },
  })

export const writes = (bench: Bench, lane: Lane, seconds: number): Scenario =>
  orGivenUp(bench, {
    name: `${lane.name}: what 100/s write`,
    figures: { WAL: amount('bytes/message', 50), 'dead tuples': amount('/message', 50) },
    warmUps: 0,
    async once() {
      const { walBytes, deadEvents, deadOthers } = await lane.footprint(100, seconds, true)
      return { WAL: walBytes, 'dead tuples': deadEvents + deadOthers }
    },
  })

/** One that does not get there has no figure, and says why; the others go on. */
function orGivenUp(bench: Bench, scenario: Scenario): Scenario {
  return {
    ...scenario,
    async once() {
      try {
        return await scenario.once()
      } catch (error) {
        bench.note(`${scenario.name}: ${(error as Error).message}`)
        return Object.fromEntries(Object.keys(scenario.figures).map(figure => [figure, Number.NaN]))
      }
    },
  }
}
