import { setTimeout as sleep } from 'node:timers/promises'
import { type Daemon, describeExit } from '../infrastructure/daemon.ts'

const backoffMsMin = 250
const backoffMsMax = 10_000
/** One that has run this long starts again from the shortest wait. */
const stableMs = 30_000

export const backoffMs = (failures: number): number =>
  Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(failures - 1, 30))

/** Starts a daemon again whenever it ends, and says so. */
export class Supervised {
  readonly daemon: Daemon
  readonly #say: (line: string) => void
  #restartAsked = false

  constructor(daemon: Daemon, say: (line: string) => void) {
    this.daemon = daemon
    this.#say = say
  }

  /** A wanted restart: no wait, no complaint. */
  async restart(): Promise<void> {
    this.#restartAsked = true
    await this.daemon.stop()
  }

  /** Returns once the signal is aborted. The daemon has been started already, and is left as it is. */
  async run(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    let failures = 0
    while (!signal.aborted) {
      const since = Date.now()
      const exit = await Promise.race([this.daemon.exited, aborted])
      if (signal.aborted || !exit) return
      if (this.#restartAsked) {
        this.#restartAsked = false
        failures = 0
      } else {
        failures = Date.now() - since > stableMs ? 1 : failures + 1
        const waitMs = backoffMs(failures)
        this.#say(
          `${this.daemon.name} ended (${describeExit(exit)}); starting it again in ${waitMs / 1000} s. ${this.daemon.whereToLook()}`,
        )
        await sleep(waitMs, undefined, { signal }).catch(() => undefined)
        if (signal.aborted) return
      }
      await this.#startOnce(signal)
    }
  }

  async #startOnce(signal: AbortSignal): Promise<void> {
    try {
      await this.daemon.start()
      this.#say(`${this.daemon.name} is ready again.`)
    } catch (error) {
      if (!signal.aborted) this.#say((error as Error).message)
    }
  }
}
