import { mkdirSync } from 'node:fs'
import { relative } from 'node:path'
import { ConfigError } from 'edge/config'
import { hostAndPort } from 'edge/host-and-port'
import { claimRun, type RunRecord } from '../infrastructure/run-record.ts'
import { folderOf, type ServiceName, serviceNames } from './services.ts'
import { loadEnvironmentFile, readSettings, type Settings } from './settings.ts'
import { System } from './system.ts'
import { logPrinter, outliveReader, paint, say } from './terminal.ts'

/** What another terminal is told of a running system. */
export type RunDetails = { addresses: string[] }

/** npm and the terminal both pass a Ctrl-C on, so one press may arrive twice. */
const secondSignalMsMin = 500
const orphanStopMsMax = 15_000

export type RunOptions = {
  showAll: boolean
  withUi: boolean
  /** Set for the services, on top of the environment. */
  env?: Record<string, string>
  /** Called when all is healthy; until the signal is aborted. */
  whenHealthy?: (system: System, signal: AbortSignal) => void
}

/** Starts the system and stays until a signal stops it; ends the process. */
export async function runSystem({ showAll, withUi, env, whenHealthy }: RunOptions): Promise<never> {
  outliveReader()
  const startedAt = Number(process.env.BOOTSTRAP_STARTED_AT) || Date.now()
  const settings = settingsOrExit(env)
  const services = serviceNames().filter(name => name !== 'ui' || withUi)
  const addresses = addressLines(settings, services)
  const record = await claimOrExit(settings, addresses)
  const printers = new Map(services.map((name, index) => [name, logPrinter(folderOf(name), index, showAll)]))
  const onLine = (name: ServiceName) => printers.get(name)!.onLine
  const system = new System({ settings, services, record, say, onLine })
  const stopping = new AbortController()
  const stop = (exitCode: number) => stopOnce(system, record, stopping, exitCode)
  handleSignals(system, record, () => stop(0))
  try {
    say(paint('dim', 'Starting PostgreSQL, Kafka and the services…'))
    await system.start()
    for (const printer of printers.values()) printer.showWarnings()
    say(welcome(settings, addresses, (Date.now() - startedAt) / 1000))
    whenHealthy?.(system, stopping.signal)
  } catch (error) {
    if (!stopping.signal.aborted) {
      say(`${paint('red', 'Not started.')} ${(error as Error).message}`)
      await stop(1)
    }
  }
  return new Promise(() => undefined)
}

function settingsOrExit(env: Record<string, string> = {}): Settings {
  try {
    loadEnvironmentFile()
    return readSettings({ ...process.env, ...env })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    say(error.message)
    process.exit(2)
  }
}

async function claimOrExit(settings: Settings, addresses: string[]): Promise<RunRecord<RunDetails>> {
  const claim = await claimFolder(settings, addresses)
  if (claim.kind === 'running') {
    const { owner, details } = claim.state
    say(
      `It runs already (pid ${owner.pid}); nothing was started.\n\n${details.addresses.join('\n')}\n\nTo stop it: npm stop`,
    )
    process.exit(1)
  }
  if (claim.orphansStopped.length > 0) {
    say(
      `The last run was killed and had left ${claim.orphansStopped.join(', ')} running; stopped them first.`,
    )
  }
  return claim.record
}

async function claimFolder({ dataFolder, runRecord }: Settings, addresses: string[]) {
  try {
    mkdirSync(dataFolder, { recursive: true })
    return await claimRun(runRecord, { addresses }, orphanStopMsMax)
  } catch (error) {
    say(
      `Not started. ${dataFolder} cannot be written: ${(error as Error).message}. Correct that, or set DATA_DIR to another folder.`,
    )
    process.exit(1)
  }
}

async function stopOnce(
  system: System,
  record: RunRecord<RunDetails>,
  stopping: AbortController,
  exitCode: number,
): Promise<void> {
  if (stopping.signal.aborted) return
  stopping.abort()
  if (exitCode === 0) say('\nStopping: the gateway first, then the services, Kafka and PostgreSQL…')
  const startedAt = Date.now()
  await system.stop()
  record.delete()
  if (exitCode === 0)
    say(`Stopped in ${seconds((Date.now() - startedAt) / 1000)}. Data stays for the next start.`)
  process.exit(exitCode)
}

function handleSignals(system: System, record: RunRecord<RunDetails>, stop: () => Promise<void>): void {
  let firstAt: number | undefined
  const onSignal = async () => {
    if (firstAt === undefined) {
      firstAt = Date.now()
      await stop()
    } else if (Date.now() - firstAt > secondSignalMsMin) {
      say('Killing everything.')
      await system.kill()
      record.delete()
      process.exit(130)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
}

/** Where a person finds what runs. */
export function addressLines({ host, ports, desk }: Settings, services: ServiceName[]): string[] {
  const ui = services.includes('ui') ? [`  UI        http://${hostAndPort(host, ports.ui)}`] : []
  return [
    ...ui,
    `  API       http://${hostAndPort(host, ports.gateway)}`,
    `  API docs  http://${hostAndPort(host, ports.gateway)}/docs`,
    ...(desk && ui.length > 0
      ? [`  Desk      http://${hostAndPort(desk.host, desk.port)}/dead-letters`]
      : []),
  ]
}

function welcome(settings: Settings, addresses: string[], secondsTaken: number): string {
  return [
    '',
    `${paint('green', 'Everything is running.')} Ready in ${seconds(secondsTaken)}.`,
    '',
    ...addresses,
    `  Logs      ${relative(process.cwd(), settings.logFolder) || '.'}/`,
    '',
    '  npm run demo in another terminal places orders and follows them.',
    '  Ctrl-C here, or npm stop elsewhere, stops everything; data is kept.',
    '',
  ].join('\n')
}

const seconds = (value: number): string => `${value.toFixed(1)} s`
