import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Turn } from 'edge/integrity'
import { type CheckSlice, checkOverdue, sliceChecks } from './check-slice.ts'
import { OpenFindings } from './open-findings.ts'
import {
  type AreaName,
  areaNames,
  firstPlace,
  type Progress,
  type Sweep,
  startOfProgress,
} from './progress.ts'
import { makeReport } from './report.ts'
import { type Integrity, SilentServiceError } from './services.ts'

export type TurnSettings = { settledWithinMs: number; workMsMax: number }
export type Pace = {
  /** After each slice, of its time: a turn in one go takes a core from the orders that are being paid. */
  restPerWork: number
  /** Ends the turn after the slice in hand. */
  signal: AbortSignal
}

/** New orders come first, but may take no more than this of a turn: history is looked through all the same. */
const newShare = 0.6
/** Places that are looked at again because something was wrong there. */
const againMax = 10

/**
 * One turn of the audit, of about `workMsMax`: late orders; slices in which something was wrong; orders that are new
 * since the last turn; then the sweeps through all of history, a slice of each area after the other, from where the
 * last turn left off. A sweep that comes to its end begins anew in the next turn.
 */
export async function runTurn(
  services: Integrity,
  turn: Turn,
  { settledWithinMs, workMsMax, restPerWork, signal }: TurnSettings & Pace,
  now: Date,
): Promise<Progress> {
  const startedAt = performance.now()
  let workedMs = 0
  const isTimeLeft = (share = 1) => workedMs < workMsMax * share && !signal.aborted
  const progress = structuredClone((turn.progress as Progress | null) ?? startOfProgress(now))
  // What a gateway of an earlier version left knows fewer areas.
  progress.sweeps = { ...startOfProgress(now).sweeps, ...progress.sweeps }
  const before = progress.findings
  const findings = new OpenFindings(before, now)
  const checks = sliceChecks(services, turn.settled_before)
  const checked = { orders: 0, payments: 0, accounts: 0, ledger: 0 }
  let silent: SilentServiceError | undefined

  async function check(area: AreaName, after: string): ReturnType<CheckSlice> {
    const askedAt = performance.now()
    const slice = await checks[area](after)
    const tookMs = performance.now() - askedAt
    workedMs += tookMs
    findings.replace(area, after, slice)
    checked[area] += slice.checked
    if (restPerWork > 0) await sleep(tookMs * restPerWork, undefined, { signal }).catch(() => undefined)
    return slice
  }

  async function checkAgain(): Promise<void> {
    const wrong = before.flatMap(({ area, after }) => (area === 'overdue' ? [] : [`${area} ${after}`]))
    for (const place of [...new Set(wrong)].slice(0, againMax)) {
      if (signal.aborted) return
      const [area, after] = place.split(' ') as [AreaName, string]
      await check(area, after)
    }
  }

  async function checkNew(): Promise<void> {
    while (progress.verified_to < turn.settled_before && isTimeLeft(newShare)) {
      progress.verified_to = (await check('orders', progress.verified_to)).until
    }
  }

  async function sweep(): Promise<void> {
    const unfinished = new Set(areaNames)
    while (unfinished.size > 0 && isTimeLeft()) {
      for (const area of unfinished) {
        const { is_last } = await sweepOnce(progress.sweeps, area)
        if (is_last) unfinished.delete(area)
      }
    }
  }

  async function sweepOnce(sweeps: Record<AreaName, Sweep>, area: AreaName) {
    const { at, started_at, ...sweep } = sweeps[area]
    const slice = await check(area, at)
    const counted = sweep.checked + slice.checked
    const time = new Date().toISOString()
    sweeps[area] = slice.is_last
      ? {
          at: firstPlace[area],
          started_at: time,
          checked: 0,
          last: { started_at, finished_at: time, checked: counted },
        }
      : { ...sweep, at: slice.until, started_at, checked: counted }
    return slice
  }

  try {
    findings.replace('overdue', '', await checkOverdue(services, turn.overdue))
    await checkAgain()
    await checkNew()
    await sweep()
  } catch (error) {
    if (!(error instanceof SilentServiceError)) throw error
    silent = error
  }
  progress.findings = findings.all
  progress.report = makeReport(progress, {
    at: now,
    tookMs: performance.now() - startedAt,
    settledWithinMs,
    overdue: turn.overdue,
    checked,
    silent: silent?.service,
  })
  return progress
}
