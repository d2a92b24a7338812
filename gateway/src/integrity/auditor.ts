import { turnMsMax } from 'edge/integrity'
import type { Log } from 'messaging/log'
import { checks } from './checks.ts'
import { OpenFindings } from './open-findings.ts'
import type { Progress } from './progress.ts'
import type { Report } from './report.ts'
import { runTurn, type TurnSettings } from './run-turn.ts'
import type { Integrity } from './services.ts'

/** Longer than any turn: it ends within its time, or a service did not answer for 20 s. */
const leaseMsMin = 120_000
const pauseMsMin = 1_000
/** 3 s of work come with 12 s of rest, so that whoever asks, and however often, the databases work a fifth. */
const restPerWork = 4
const idsLogged = 20

/**
 * Finds lost or doubled money and orders. Any number of gateways may have one, and anybody may ask it: turns pass one
 * after another, with a pause, and whoever gets none is told the outcome of the last.
 */
export class Auditor {
  readonly #services: Integrity
  readonly #log: Log
  readonly #settings: TurnSettings
  readonly #stopping = new AbortController()
  #running: Promise<Report | undefined> | undefined
  /** What was known last, for metrics. */
  latest: Report | undefined

  constructor(services: Integrity, log: Log, settings: TurnSettings) {
    this.#services = services
    this.#log = log
    this.#settings = settings
  }

  /**
   * Takes a turn where it is free, and answers what is known; undefined while the very first turn of all is under way
   * elsewhere. Those who ask meanwhile share it. Rejects with SilentServiceError where orders does not answer.
   * Somebody waits for it; where nobody does, an unhurried turn takes its rests between its slices instead of after them.
   */
  auditOnce({ isUnhurried = false } = {}): Promise<Report | undefined> {
    this.#running ??= this.#audit(isUnhurried).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Ends the turn in hand after its slice, and keeps what it found. */
  stop(): void {
    this.#stopping.abort()
  }

  async #audit(isUnhurried: boolean): Promise<Report | undefined> {
    const { settledWithinMs, workMsMax } = this.#settings
    const lease_ms = Math.min(turnMsMax, Math.max(leaseMsMin, 2 * (1 + restPerWork) * workMsMax))
    const turn = await this.#services.takeTurn({ settled_within_ms: settledWithinMs, lease_ms })
    const earlier = turn.progress as Progress | null
    if (turn.turn === null) {
      this.latest = earlier?.report ?? this.latest
      return this.latest
    }
    const startedAt = performance.now()
    const pace = { restPerWork: isUnhurried ? restPerWork : 0, signal: this.#stopping.signal }
    const progress = await runTurn(this.#services, turn, { ...this.#settings, ...pace }, new Date())
    const owedMs = isUnhurried ? 0 : restPerWork * (performance.now() - startedAt)
    const pause_ms = Math.round(Math.min(turnMsMax, Math.max(pauseMsMin, owedMs)))
    // Logged first: were the progress not to be kept, it is found again, and told twice rather than never.
    this.#tell(earlier?.findings ?? [], progress)
    await this.#services.endTurn({ turn: turn.turn, pause_ms, progress })
    this.latest = progress.report
    return progress.report
  }

  #tell(before: Progress['findings'], { findings, report }: Progress): void {
    const found = new OpenFindings(findings, new Date()).since(before)
    for (const [check, { rule, next }] of Object.entries(checks)) {
      const broken = found.filter(one => one.check === check)
      if (broken.length === 0) continue
      const ids = broken.slice(0, idsLogged).map(({ id }) => id)
      this.#log.error(
        { check, ids, detail: broken[0]?.detail, next },
        `integrity violated: "${rule}" does not hold`,
      )
    }
    if (before.length > 0 && findings.length === 0) {
      this.#log.info({}, 'integrity: every violation that was known is healed')
    }
    const { status, took_ms, checked, missing } = report as Report
    if (missing)
      this.#log.warn(
        { missing },
        'integrity not checked: a service does not answer; the next turn tries again',
      )
    else this.#log.debug({ status, took_ms, ...checked }, 'integrity checked')
  }
}
