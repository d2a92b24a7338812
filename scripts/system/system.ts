import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Daemon } from '../infrastructure/daemon.ts'
import { embeddedKafka } from '../infrastructure/kafka.ts'
import { findKafkaRuntime } from '../infrastructure/kafka-runtime.ts'
import { rotateLog } from '../infrastructure/log-file.ts'
import { embeddedPostgres } from '../infrastructure/postgres.ts'
import { run } from '../infrastructure/run-command.ts'
import type { RunRecord } from '../infrastructure/run-record.ts'
import { assertPortsFree } from './assert-ports-free.ts'
import { type ServiceName, serviceDaemon } from './services.ts'
import { kafkaLibraryFolder, projectFolder, type Settings } from './settings.ts'
import { Supervised } from './supervise.ts'

export type SystemOptions = {
  settings: Settings
  services: ServiceName[]
  record: RunRecord<unknown>
  say: (line: string) => void
  /** Called with each line of a service's log. */
  onLine: (service: ServiceName) => (line: string) => void
}

/** Everything `npm start` runs, from Postgres to the UI. */
export class System {
  readonly #options: SystemOptions
  readonly #stopping = new AbortController()
  readonly #infrastructure: Daemon[] = []
  readonly #services = new Map<ServiceName, Supervised>()
  #work: Promise<unknown>[] = []
  /** For who makes databases and roles on the embedded PostgreSQL. */
  readonly #admin: Record<string, string> = {}

  constructor(options: SystemOptions) {
    this.#options = options
  }

  /** Returns when all is healthy, and supervises from then on. Call `stop` also where this throws. */
  async start(): Promise<void> {
    const { settings } = this.#options
    mkdirSync(settings.logFolder, { recursive: true })
    await assertPortsFree(settings, this.#options.services)
    await this.#all([this.#startPostgres(), this.#startKafka()])
    const daemons = this.#options.services.map(name => this.#adoptService(name))
    await this.#all(daemons.map(daemon => daemon.start()))
    const all = [...this.#infrastructure.map(daemon => this.#supervised(daemon)), ...this.#services.values()]
    this.#work = all.map(supervised => supervised.run(this.#stopping.signal))
  }

  /** The gateway first, so that nothing new comes in; the servers that the services need last. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const retire = (names: ServiceName[]) =>
      Promise.all(names.map(name => this.#services.get(name)?.daemon.retire()))
    await retire(['ui', 'gateway'])
    await retire(['orders', 'payments'])
    await Promise.all(this.#infrastructure.map(daemon => daemon.retire()))
    await Promise.allSettled(this.#work)
    // What was being prepared when the stop came is retired by now, or was refused.
    await Promise.all(this.#infrastructure.map(daemon => daemon.retire()))
  }

  async kill(): Promise<void> {
    this.#stopping.abort()
    const daemons = [...[...this.#services.values()].map(({ daemon }) => daemon), ...this.#infrastructure]
    await Promise.all(daemons.map(daemon => daemon.kill()))
  }

  async restart(name: ServiceName): Promise<void> {
    await this.#services.get(name)?.restart()
  }

  async migrate(): Promise<void> {
    const { settings, say } = this.#options
    try {
      const output = await run(process.execPath, [join(projectFolder, 'migrations/main.ts')], {
        cwd: projectFolder,
        env: { ...settings.migrationEnv, ...this.#admin },
      })
      for (const line of output.split('\n').filter(line => line.includes('applied'))) say(`  ${line}`)
    } catch (error) {
      throw new Error(`The databases were not migrated. ${(error as Error).message}`)
    }
  }

  async #startPostgres(): Promise<void> {
    const { settings, say } = this.#options
    const { dataFolder, logFolder, embeddedPostgres: wanted } = settings
    if (wanted) {
      const logFile = join(logFolder, 'postgres.log')
      const folder = join(dataFolder, 'postgres')
      const server = await embeddedPostgres({ folder, port: wanted.port, logFile, durable: true })
      if (server.dataOutside) say(`PostgreSQL's data is outside of the clone, in ${server.dataOutside}.`)
      await this.#startInfrastructure(server.daemon)
      for (const name of wanted.databases) {
        this.#admin[`${name}_DB_ADMIN_USER`] = server.address.user
        this.#admin[`${name}_DB_ADMIN_PASSWORD`] = server.address.password
      }
    }
    await this.migrate()
  }

  async #startKafka(): Promise<void> {
    const { settings, say } = this.#options
    if (!settings.embeddedKafka) return
    const runtime = await findKafkaRuntime(kafkaLibraryFolder, say)
    const server = await embeddedKafka({
      folder: join(settings.dataFolder, 'kafka'),
      port: settings.embeddedKafka.port,
      logFile: join(settings.logFolder, 'kafka.log'),
      runtime,
    })
    await this.#startInfrastructure(server.daemon)
  }

  async #startInfrastructure(daemon: Daemon): Promise<void> {
    this.#prepare(daemon)
    this.#infrastructure.push(daemon)
    await daemon.start()
  }

  #adoptService(name: ServiceName): Daemon {
    const { settings, onLine } = this.#options
    const daemon = serviceDaemon(name, { settings, onLine: onLine(name) })
    this.#prepare(daemon)
    this.#services.set(name, this.#supervised(daemon))
    return daemon
  }

  #prepare(daemon: Daemon): void {
    this.#stopping.signal.throwIfAborted()
    rotateLog(daemon.options.logFile)
    daemon.onSpawn = pid => this.#options.record.add(daemon.name, pid, daemon.options.stopSignal)
  }

  #supervised(daemon: Daemon): Supervised {
    return new Supervised(daemon, this.#options.say)
  }

  /** The first failure is thrown at once; `stop` waits for the rest. */
  async #all(parts: Promise<unknown>[]): Promise<void> {
    this.#work.push(...parts)
    await Promise.all(parts)
  }
}
