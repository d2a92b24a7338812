import { type Draw, drawFrom } from '../chaos/random.ts'

/** Virtual time that passes between two steps, at most. */
const stepMsMax = 100

type Turn = { by: Instance; what: string; run: () => void }
export type Timer = { at: number; call: () => void; everyMs?: number }

/** What an instance of a service is to the scheduler: something that can freeze and die. */
export type Instance = { name: string; isDead: boolean; frozenUntil: number }

/**
 * Everything that happens in one run, in an order that its seed decides: who takes the next turn, which turns fail,
 * how time passes. The same seed is the same run.
 */
export class Scheduler {
  readonly random: Draw['random']
  readonly between: Draw['between']
  readonly chance: Draw['chance']
  readonly pick: Draw['pick']
  nowMs = 0
  steps = 0
  /** Of the calls to a database or a broker, the part whose connection breaks. */
  faultRate = 0
  readonly trace: string[] = []
  #turns: Turn[] = []
  #timers: Timer[] = []

  constructor(seed: number) {
    const draw = drawFrom(seed)
    this.random = draw.random
    this.between = draw.between
    this.chance = draw.chance
    this.pick = draw.pick
  }

  /** One call of an instance over the network: it waits for its turn, and may break before its effect or after. */
  async call<Result>(by: Instance, what: string, effect: () => Result): Promise<Result> {
    await this.turn(by, what)
    if (this.chance(this.faultRate)) throw this.#broken(by, what, 'before')
    const result = effect()
    if (this.chance(this.faultRate)) throw this.#broken(by, what, 'after')
    return result
  }

  /** Resolves when its turn has come: never for an instance that has died. */
  turn(by: Instance, what: string): Promise<void> {
    return new Promise(resolve => {
      if (!by.isDead) this.#turns.push({ by, what, run: resolve })
    })
  }

  after(ms: number, call: () => void, everyMs?: number): Timer {
    const timer: Timer = { at: this.nowMs + ms, call, ...(everyMs !== undefined && { everyMs }) }
    this.#timers.push(timer)
    return timer
  }

  cancel(timer: Timer | undefined): void {
    this.#timers = this.#timers.filter(other => other !== timer)
  }

  sleep<Value>(ms = 0, value?: Value, { signal }: { signal?: AbortSignal } = {}): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const timer = this.after(ms, () => resolve(value))
      signal?.addEventListener('abort', () => {
        this.cancel(timer)
        reject(signal.reason)
      })
    })
  }

  die(instance: Instance): void {
    instance.isDead = true
    this.#turns = this.#turns.filter(({ by }) => by !== instance)
  }

  note(what: string): void {
    this.trace.push(`${this.nowMs} ms  ${what}`)
  }

  /** Lets one thing happen, and all that follows from it by itself. */
  async step(): Promise<void> {
    await drained()
    this.steps++
    this.nowMs += this.between(0, stepMsMax)
    this.#fireTimers()
    const ready = this.#turns.filter(({ by }) => by.frozenUntil <= this.nowMs)
    if (ready.length === 0) return this.#jump()
    const turn = this.pick(ready)
    this.#turns.splice(this.#turns.indexOf(turn), 1)
    this.note(`${turn.by.name}: ${turn.what}`)
    turn.run()
  }

  /** Nobody can move: time goes on to where somebody can. */
  #jump(): void {
    const times = [...this.#timers.map(({ at }) => at), ...this.#turns.map(({ by }) => by.frozenUntil)]
    if (times.length > 0) this.nowMs = Math.max(this.nowMs, Math.min(...times))
  }

  #fireTimers(): void {
    for (const timer of this.#timers.filter(({ at }) => at <= this.nowMs)) {
      if (timer.everyMs === undefined) this.cancel(timer)
      else timer.at = this.nowMs + timer.everyMs
      timer.call()
    }
  }

  #broken(by: Instance, what: string, when: string): Error {
    this.note(`${by.name}: connection broke ${when} ${what}`)
    return Object.assign(new Error(`connection broke ${when} ${what}`), { code: 'ECONNRESET' })
  }
}

/** Until all that can go on without another turn has gone on. */
const drained = () => new Promise<void>(resolve => void setImmediate(resolve))
