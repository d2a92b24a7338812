import { Scheduler, type Timer } from './scheduler.ts'

let current = new Scheduler(0)

/** From here on, time in the product's code is this scheduler's, and so is chance. */
export function runOn(scheduler: Scheduler): void {
  current = scheduler
}

export const virtualSleep: Scheduler['sleep'] = (ms, value, options) => current.sleep(ms, value, options)

export const virtualGlobals = {
  performance: { now: () => current.nowMs },
  setTimeout: (call: () => void, ms = 0) => current.after(ms, call),
  clearTimeout: (timer: Timer | undefined) => current.cancel(timer),
  setInterval: (call: () => void, ms: number) => current.after(ms, call, ms),
  clearInterval: (timer: Timer | undefined) => current.cancel(timer),
}

export const virtualChance = () => current.random()
