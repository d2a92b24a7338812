import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import { Daemon } from './daemon.ts'
import { kafkaInDocker, kafkaPortAdvice } from './kafka-docker.ts'
import {
  asFile,
  brokerProperties,
  clusterId,
  heapOptions,
  jvmOptions,
  type KafkaListeners,
} from './kafka-properties.ts'
import type { KafkaRuntime } from './kafka-runtime.ts'
import { accepts, assertPortFree, freePort } from './ports.ts'
import { run } from './run-command.ts'

export type KafkaServer = {
  brokers: string[]
  daemon: Daemon
  /** Deletes the data. Stop it first. */
  remove(): void
}

export type KafkaOptions = {
  folder: string
  port: number
  /** Where clients are told to connect to, when that is not the port itself. */
  advertisedPort?: number
  logFile: string
  runtime: KafkaRuntime
  /** Of the broker, on top of its own; answered from those. Nothing of it in Docker. */
  moreProperties?: (properties: Record<string, string>) => Record<string, string>
  /** What the data is formatted with, besides. */
  formatOptions?: string[]
  /** Where the broker's own metrics can be asked for; nowhere without it, nor in Docker. */
  jmxPort?: number
}

const host = '127.0.0.1'

/** One real broker, formatted where its data is missing. The daemon is not started. */
export async function embeddedKafka(options: KafkaOptions): Promise<KafkaServer> {
  const {
    port,
    advertisedPort = port,
    logFile,
    runtime,
    formatOptions = [],
    moreProperties = () => ({}),
  } = options
  const folder = resolve(options.folder)
  await mkdir(folder, { recursive: true })
  await mkdir(dirname(logFile), { recursive: true })
  const brokers = [`${host}:${port}`]
  const remove = () => rmSync(folder, { recursive: true, force: true })
  if (runtime.kind === 'docker') {
    const container = kafkaInDocker({
      folder,
      port,
      advertisedPort,
      logFile,
      readyOnce: () => kafkaAnswers(host, port),
    })
    return { brokers, daemon: container.daemon, remove: () => [container.remove(), remove()] }
  }
  const configuration = join(folder, 'server.properties')
  const dataFolder = join(folder, 'data')
  const java = [
    ...heapOptions,
    ...jvmOptions,
    '-Xshare:auto',
    '-Djava.awt.headless=true',
    ...javaProperties(logFile),
    '-cp',
    join(runtime.libraries, '*'),
  ]
  const daemon = new Daemon({
    name: 'kafka',
    command: runtime.java,
    args: [...(options.jmxPort ? jmx(options.jmxPort) : []), ...java, 'kafka.Kafka', configuration],
    cwd: folder,
    logFile,
    async prepare() {
      await assertPortFree(port, 'Kafka', kafkaPortAdvice)
      // Nobody but the broker itself knows the controller's port, so any free one does.
      const advertised = `${host}:${advertisedPort}`
      const listeners = { bind: host, port, advertised, controllerPort: await freePort(), dataFolder }
      const propertiesOf = (of: KafkaListeners) => {
        const properties = brokerProperties(of)
        return { ...properties, ...moreProperties(properties) }
      }
      writeFileSync(configuration, asFile(propertiesOf(listeners)))
      if (existsSync(dataFolder)) return
      // Under another name and renamed, so that a crash never leaves half a format.
      const unfinished = `${dataFolder}.unfinished`
      await rm(unfinished, { recursive: true, force: true })
      const forFormat = join(folder, 'format.properties')
      writeFileSync(forFormat, asFile(propertiesOf({ ...listeners, dataFolder: unfinished })))
      await format(runtime.java, java, forFormat, formatOptions)
      await rename(unfinished, dataFolder)
    },
    readyOnce: () => kafkaAnswers(host, port),
    readyMsMax: 60_000,
    stopSignal: 'SIGTERM',
    stopMsMax: 20_000,
  })
  return { brokers, daemon, remove }
}

const jmx = (port: number): string[] => [
  `-Dcom.sun.management.jmxremote.port=${port}`,
  `-Dcom.sun.management.jmxremote.rmi.port=${port}`,
  '-Dcom.sun.management.jmxremote.authenticate=false',
  '-Dcom.sun.management.jmxremote.ssl=false',
  `-Dcom.sun.management.jmxremote.host=${host}`,
  `-Djava.rmi.server.hostname=${host}`,
]

function javaProperties(logFile: string): string[] {
  const logging = fileURLToPath(new URL('./kafka/log4j2.xml', import.meta.url))
  return [`-Dlog4j2.configurationFile=${logging}`, `-Dkafka.log.file=${resolve(logFile)}`]
}

async function format(java: string, options: string[], configuration: string, users: string[]) {
  await run(java, [
    ...options,
    'kafka.tools.StorageTool',
    'format',
    '--cluster-id',
    clusterId,
    '--config',
    configuration,
    ...users,
  ])
}

/** The broker accepts connections before it can serve: only one that names itself is ready. */
export async function kafkaAnswers(host: string, port: number): Promise<boolean> {
  if (!(await accepts(port, host))) return false
  const kafka = new Kafka({
    brokers: [`${host}:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers.length > 0
  } catch {
    return false
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}
