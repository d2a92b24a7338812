import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hostAndPort } from 'edge/host-and-port'
import { Daemon } from '../infrastructure/daemon.ts'
import { projectFolder, type Settings } from './settings.ts'

export type ServiceName = 'orders' | 'payments' | 'gateway' | 'ui'

type Definition = { folder: string; entry: string; portVariable: string; readyPath: string }

const definitions: Record<ServiceName, Definition> = {
  orders: serviceIn('orders-service', 'ORDERS_PORT'),
  payments: serviceIn('payments-service', 'PAYMENTS_PORT'),
  gateway: serviceIn('gateway', 'GATEWAY_PORT'),
  ui: { folder: 'ui', entry: 'ui/server.ts', portVariable: 'UI_PORT', readyPath: '/' },
}

function serviceIn(folder: string, portVariable: string): Definition {
  return { folder, entry: `${folder}/src/main.ts`, portVariable, readyPath: '/health' }
}

const readyMsMax = 60_000
const healthMsMax = 3000
/** The services promise to end within 10 s of SIGTERM. */
const stopMsMax = 12_000

/** Those whose entry point is there. */
export function serviceNames(): ServiceName[] {
  const names = Object.keys(definitions) as ServiceName[]
  return names.filter(name => existsSync(join(projectFolder, definitions[name].entry)))
}

export function folderOf(name: ServiceName): string {
  return definitions[name].folder
}

export function portVariableOf(name: ServiceName): string {
  return definitions[name].portVariable
}

/** An arena of malloc for each thread, and what is free at the end of one, held 20 MB more; systems without glibc ignore it. */
const leanMalloc = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536' }

export const nodeFlags = [
  // Node sizes its heap for the machine. After a burst of 20,000 tasks payments-service kept 310 MB; so it keeps 172.
  '--max-semi-space-size=8',
  '--max-old-space-size=96',
]

export type ServiceOptions = {
  settings: Pick<Settings, 'host' | 'ports' | 'logFolder' | 'env'>
  onLine?: (line: string) => void
  /** Tells apart several of one service. */
  instance?: number
  nodeFlags?: string[]
}

/** The process of one service, the same whether `npm start` or a test runs it. Not started. */
export function serviceDaemon(
  name: ServiceName,
  { settings, onLine, instance, nodeFlags: moreFlags = [] }: ServiceOptions,
): Daemon {
  const { folder, entry, readyPath } = definitions[name]
  const { host, ports, logFolder, env } = settings
  const daemonName = instance === undefined ? folder : `${folder}-${instance}`
  return new Daemon({
    name: daemonName,
    command: process.execPath,
    args: [...nodeFlags, ...moreFlags, join(projectFolder, entry)],
    env: { ...leanMalloc, ...env },
    cwd: projectFolder,
    logFile: join(logFolder, `${daemonName}.log`),
    ...(onLine && { onLine }),
    readyOnce: () => answersOk(`http://${hostAndPort(host, ports[name])}${readyPath}`),
    readyMsMax,
    stopSignal: 'SIGTERM',
    stopMsMax,
  })
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(healthMsMax) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
