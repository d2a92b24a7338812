import { setTimeout as sleep } from 'node:timers/promises'
import type { History } from '../load/history.ts'
import { drawFrom } from '../random.ts'
import type { ChaosSystem } from '../system/chaos-system.ts'
import { discardLetters } from './discard-letters.ts'
import { beginFault, type Heal } from './faults.ts'
import { describeFault, type FaultKind, type Step } from './plan.ts'

export type NemesisSettings = { system: ChaosSystem; history: History; users: number[]; seed: number }

const healAttemptsMax = 20
const healRetryMs = 500

/** Breaks the system by plan, and puts everything right again at the end of each round. */
export class Nemesis {
  readonly #settings: NemesisSettings
  readonly #draw
  /** How many of each kind were begun. */
  readonly begun = new Map<FaultKind, number>()
  /** Faults that could not be begun, such as a message for a broker that is out of reach. */
  readonly missed: string[] = []
  /** What is broken now. */
  readonly broken = new Set<string>()
  #untilRoundEnds: Heal[] = []

  constructor(settings: NemesisSettings) {
    this.#settings = settings
    this.#draw = drawFrom(settings.seed + 1)
  }

  get faults(): number {
    return [...this.begun.values()].reduce((sum, count) => sum + count, 0)
  }

  async runRound(steps: Step[], signal: AbortSignal): Promise<void> {
    for (const step of steps) {
      if (signal.aborted) return
      await rest(step.calmMs, signal)
      const heals = await Promise.all(step.faults.map(fault => this.#begin(fault)))
      await rest(step.lastsMs, signal)
      for (const heal of heals) await heal?.()
      this.broken.clear()
    }
  }

  async #begin(fault: Step['faults'][number]): Promise<Heal | undefined> {
    const { system, history, users } = this.#settings
    const what = describeFault(fault)
    history.add({ mark: 'fault', at: Date.now(), what })
    this.broken.add(what)
    try {
      const heal = await beginFault(fault, { system, users, draw: this.#draw })
      this.begun.set(fault.kind, (this.begun.get(fault.kind) ?? 0) + 1)
      if (fault.kind !== 'long_transaction') return heal
      // The longer the better.
      this.#untilRoundEnds.push(heal)
    } catch (error) {
      if (isOurMistake(error as Error)) throw error
      this.missed.push(`${what}: ${(error as Error).message}`)
    }
    return undefined
  }

  /** All is as it was at the start: nothing is broken, every process has been spawned, no letter is put aside. */
  async healAll(): Promise<void> {
    const { system } = this.#settings
    for (const proxy of Object.values(system.proxies)) proxy.heal()
    for (const heal of this.#untilRoundEnds.splice(0)) await heal()
    for (const instance of system.instances) {
      instance.thaw()
      instance.shiftClock(0)
      await instance.spawn()
    }
    // Poison that is still on its way is put aside only now, so this is asked again while backlog remains.
    await this.discardLetters()
    this.broken.clear()
  }

  async discardLetters(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await discardLetters(this.#settings.system.databases)
        return
      } catch (error) {
        if (attempt >= healAttemptsMax) throw error
        await sleep(healRetryMs)
      }
    }
  }
}

/** A fault that is never brought, and looks as if it had been missed, would tell that all is well. */
const isOurMistake = (error: Error & { code?: string }) =>
  error instanceof TypeError || error.code?.startsWith('42')

const rest = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined)
