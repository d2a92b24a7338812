import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Daemon } from 'scripts/infrastructure/daemon'
import { asFile } from 'scripts/infrastructure/kafka-properties'
import { javaWithJars } from 'scripts/infrastructure/kafka-runtime'
import { freePort } from 'scripts/infrastructure/ports'

export type ConnectSettings = {
  /** For the configuration, the offsets and the log. */
  folder: string
  brokers: string[]
  connector: Record<string, string>
  worker?: Record<string, string>
}

export type Connect = {
  daemon: Daemon
  /** Ends the connector's task, and begins it again, in the same JVM. */
  pause(): Promise<void>
  resume(): Promise<void>
}

const pom = new URL('./pom.xml', import.meta.url)
const pollMs = 50
const jarsFolder = fileURLToPath(new URL('../../../.data/debezium-lib', import.meta.url))
const logging = fileURLToPath(new URL('../../../scripts/infrastructure/kafka/log4j2.xml', import.meta.url))

/** The `properties` block of docs/debezium.md: what is documented is what is checked. */
export function documentedConnector(): Record<string, string> {
  const page = readFileSync(new URL('../../../docs/debezium.md', import.meta.url), 'utf8')
  const [, block] = /```properties\n(.*?)```/s.exec(page) ?? []
  if (!block) throw new Error('docs/debezium.md has no properties block')
  const lines = block.split('\n').filter(line => line && !line.startsWith('#'))
  return Object.fromEntries(lines.map(line => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]))
}

/** A worker of Kafka Connect with one connector; not started. It is ready when the connector's task runs. */
export async function connectStandalone(settings: ConnectSettings): Promise<Connect> {
  const { folder, brokers, connector, worker } = settings
  const { java, libraries } = await javaWithJars(pom, 'debezium', jarsFolder, line => console.error(line))
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const logFile = join(folder, 'connect.log')
  const file = (name: string, properties: Record<string, string>) => {
    writeFileSync(join(folder, name), asFile(properties))
    return join(folder, name)
  }
  const workerFile = file('worker.properties', {
    'bootstrap.servers': brokers.join(),
    listeners: `http://127.0.0.1:${port}`,
    'offset.storage.file.filename': join(folder, 'offsets'),
    'offset.flush.interval.ms': '1000',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    // All there is on the class path says what it is; searching it takes seconds.
    'plugin.discovery': 'service_load',
    ...worker,
  })
  const address = `http://127.0.0.1:${port}/connectors/${connector.name}`
  const daemon = new Daemon({
    name: 'Kafka Connect',
    command: java,
    args: [
      // As Connect's own script starts it.
      ...['-Xms256m', '-Xmx2g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
      ...[`-Dlog4j2.configurationFile=${logging}`, `-Dkafka.log.file=${logFile}`],
      ...['-cp', join(libraries, '*'), 'org.apache.kafka.connect.cli.ConnectStandalone'],
      ...[workerFile, file('connector.properties', connector)],
    ],
    cwd: folder,
    logFile,
    readyOnce: () => taskIs('RUNNING', address),
    readyMsMax: 120_000,
    stopSignal: 'SIGTERM',
    stopMsMax: 20_000,
  })
  const change = async (act: 'pause' | 'resume', state: string) => {
    await fetch(`${address}/${act}`, { method: 'PUT' })
    while (!(await taskIs(state, address))) await sleep(pollMs)
  }
  return { daemon, pause: () => change('pause', 'PAUSED'), resume: () => change('resume', 'RUNNING') }
}

/** Throws where the task has failed: it does not start again by itself. */
async function taskIs(state: string, address: string): Promise<boolean> {
  const response = await fetch(`${address}/status`).catch(() => undefined)
  if (!response?.ok) return false
  const { tasks } = (await response.json()) as { tasks: { state: string; trace?: string }[] }
  const failed = tasks.find(task => task.state === 'FAILED')
  if (failed) throw new Error(`The connector failed:\n${failed.trace}`)
  return tasks.some(task => task.state === state)
}
