import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditOf } from './checker/audit.ts'
import { check } from './checker/check.ts'
import { readUnsettled } from './checker/read-state.ts'
import { settle } from './checker/settle.ts'
import type { Violation } from './checker/state.ts'
import { Customers } from './load/customers.ts'
import { History } from './load/history.ts'
import { Nemesis } from './nemesis/nemesis.ts'
import { type FaultKind, planRound } from './nemesis/plan.ts'
import { drawFrom } from './random.ts'
import { type ChaosSystem, startChaosSystem } from './system/chaos-system.ts'

export type ChaosOptions = {
  seed: number
  minutes: number
  rate: number
  customers: number
  /** Of each service. */
  instances: number
  /** For the history, the state and the services' logs. */
  folder: string
  stepsARound?: number
  kinds?: FaultKind[]
  /** The calm between faults, about. */
  paceMs?: number
  onProgress?: (progress: Progress) => void
  signal?: AbortSignal
}
export type Progress = {
  round: number
  orders: number
  faults: number
  broken: string[]
  unsettled: number | undefined
  oldestSeconds: number | undefined
  violations: number
}
export type ChaosResult = {
  seed: number
  rounds: { faults: number; orders: number; settledMs: number }[]
  orders: number
  operations: Record<'ok' | 'refused' | 'unknown', number>
  faults: Partial<Record<FaultKind, number>>
  missed: string[]
  violations: (Violation | { kind: 'died' | 'integrity'; detail: string })[]
  seconds: number
}

const progressEveryMs = 1_000

/** Rounds of faults under load, each ended by healing, settling and a check of everything; ends at the first violation. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, minutes, rate, folder, signal = new AbortController().signal } = options
  const startedAt = performance.now()
  const history = new History(join(folder, 'history.jsonl'))
  const violations: ChaosResult['violations'] = []
  const rounds: ChaosResult['rounds'] = []
  const system = await startChaosSystem({
    instances: options.instances,
    logFolder: join(folder, 'logs'),
    random: drawFrom(seed).random,
    onUnexpectedEnd(instance, how) {
      violations.push({ kind: 'died', detail: `${instance.name} ended by itself: ${how}` })
      history.add({ mark: 'fault', at: Date.now(), what: `${instance.name} ended by itself: ${how}` })
    },
  })
  const customers = new Customers({ ...options, history, rate, gatewayUrl: system.gatewayUrl })
  let round = 0
  let nemesis: Nemesis | undefined
  const reporting = reportProgress(system, options, () => ({
    round,
    orders: customers.acknowledged,
    faults: nemesis?.faults ?? 0,
    broken: [...(nemesis?.broken ?? [])],
    violations: violations.length,
  }))
  try {
    await customers.enter()
    nemesis = new Nemesis({ system, history, users: customers.users, seed })
    const endsAt = performance.now() + minutes * 60_000
    do {
      const before = { faults: nemesis.faults, orders: customers.acknowledged }
      customers.resume()
      const { instances, kinds, paceMs, stepsARound: steps = 6 } = options
      const plan = planRound(seed, ++round, {
        instances,
        steps,
        ...(kinds && { kinds }),
        ...(paceMs && { paceMs }),
      })
      await nemesis.runRound(plan, signal)
      await nemesis.healAll()
      const healedAt = Date.now()
      history.add({ mark: 'healed', at: healedAt })
      await customers.pause()
      // One that does not get well is found by what it leaves undone.
      await Promise.allSettled(system.instances.map(({ daemon }) => daemon.untilReady()))
      const settling = await settle(system, history, customers.users, healedAt, () =>
        nemesis?.discardLetters(),
      )
      violations.push(...check(history, settling.state), ...(await auditOf(system.gatewayUrl)))
      if (violations.length > 0) writeFileSync(join(folder, 'state.json'), JSON.stringify(settling.state))
      rounds.push({
        faults: nemesis.faults - before.faults,
        orders: customers.acknowledged - before.orders,
        settledMs: settling.ms,
      })
    } while (violations.length === 0 && performance.now() < endsAt && !signal.aborted)
    await customers.leave()
  } finally {
    clearInterval(reporting)
    await system.stop()
  }
  const count = (outcome: string) => history.attempts.filter(attempt => attempt.outcome === outcome).length
  return {
    seed,
    rounds,
    orders: customers.acknowledged,
    operations: { ok: count('ok'), refused: count('refused'), unknown: count('unknown') },
    faults: Object.fromEntries(nemesis?.begun ?? []),
    missed: nemesis?.missed ?? [],
    violations,
    seconds: (performance.now() - startedAt) / 1000,
  }
}

function reportProgress(
  system: ChaosSystem,
  { onProgress }: ChaosOptions,
  what: () => Omit<Progress, 'unsettled' | 'oldestSeconds'>,
): NodeJS.Timeout {
  let isAsking = false
  return setInterval(async () => {
    if (isAsking || !onProgress) return
    isAsking = true
    const unsettled = await readUnsettled(system.databases.orders).catch(() => undefined)
    isAsking = false
    onProgress({ ...what(), unsettled: unsettled?.count, oldestSeconds: unsettled?.oldestSeconds })
  }, progressEveryMs)
}
