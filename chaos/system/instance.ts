import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Daemon, describeExit, type Exit } from 'scripts/infrastructure/daemon'
import { serviceDaemon } from 'scripts/system/services'
import type { TestedService } from 'scripts/testing/launch-system'

const clockModule = fileURLToPath(new URL('./shifted-clock.mjs', import.meta.url))

export type InstanceSettings = {
  service: TestedService
  number: number
  port: number
  logFolder: string
  env: NodeJS.ProcessEnv
  /** It ended and nobody had asked for it. */
  onUnexpectedEnd: (instance: Instance, how: string) => void
}

/** One process of a service. It may be killed, frozen, and have its clock shifted. */
export class Instance {
  readonly service: TestedService
  readonly number: number
  readonly daemon: Daemon
  readonly #clockFile: string
  readonly #onUnexpectedEnd: InstanceSettings['onUnexpectedEnd']
  #isToEnd = false

  constructor({ service, number, port, logFolder, env, onUnexpectedEnd }: InstanceSettings) {
    this.service = service
    this.number = number
    this.#onUnexpectedEnd = onUnexpectedEnd
    this.#clockFile = join(logFolder, `${this.name}.clock`)
    // Only its own port is asked for readiness.
    const ports = { orders: port, payments: port, gateway: port, ui: port }
    this.daemon = serviceDaemon(service, {
      instance: number,
      nodeFlags: ['--import', clockModule],
      settings: {
        host: '127.0.0.1',
        ports,
        logFolder,
        env: {
          ...env,
          [`${service.toUpperCase()}_PORT`]: String(port),
          CHAOS_CLOCK_FILE: this.#clockFile,
        },
      },
    })
  }

  get name(): string {
    return `${this.service}-${this.number}`
  }

  get isRunning(): boolean {
    return this.daemon.pid !== undefined
  }

  /** Without waiting for readiness: what it stands on may be broken just now. */
  async spawn(): Promise<void> {
    if (this.isRunning) return
    this.#isToEnd = false
    await this.daemon.spawn()
    void this.daemon.exited.then(exit => {
      if (!this.#isToEnd) this.#onUnexpectedEnd(this, describeExit(exit))
    })
  }

  async kill(): Promise<Exit> {
    this.#isToEnd = true
    return this.daemon.kill('SIGKILL')
  }

  /** SIGTERM, and SIGKILL after 12 s. */
  async stop(): Promise<Exit> {
    this.#isToEnd = true
    return this.daemon.stop()
  }

  freeze(): void {
    if (this.daemon.pid) process.kill(this.daemon.pid, 'SIGSTOP')
  }

  thaw(): void {
    if (this.daemon.pid) process.kill(this.daemon.pid, 'SIGCONT')
  }

  /** Takes effect within 100 ms, also for the processes that come after this one, until it is 0 again. */
  shiftClock(ms: number): void {
    if (ms === 0) rmSync(this.#clockFile, { force: true })
    else writeFileSync(this.#clockFile, String(ms))
  }
}
