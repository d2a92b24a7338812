import { readFileSync } from 'node:fs'

/** Any 16 bytes in base64url: one broker is a cluster of its own. */
export const clusterId = 'b3JkZXItcGF5bWVudHMtMQ'

export const pomFile = new URL('./kafka/pom.xml', import.meta.url)

export const kafkaVersion = (): string => versionIn(pomFile, 'kafka')

export function versionIn(pom: URL, property: string): string {
  const version = new RegExp(`<${property}\\.version>([^<]+)<`).exec(readFileSync(pom, 'utf8'))?.[1]
  if (!version) throw new Error(`${pom.pathname} names no ${property}.version.`)
  return version
}

/**
 * Heap 192 MiB and what the JVM adds to it: measured at 170 MB resident idle and 230 after a burst of 20,000 orders,
 * and bounded to stay below 512. One collector thread and the first compiler only: ready a second earlier, and the
 * services have the cores.
 */
export const heapOptions = ['-Xms64m', '-Xmx192m']
export const jvmOptions = [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:MaxMetaspaceSize=96m',
  '-XX:ReservedCodeCacheSize=32m',
  '-XX:MaxDirectMemorySize=64m',
  '-Xss512k',
]

export type KafkaListeners = {
  /** Where the broker binds. */
  bind: string
  port: number
  controllerPort: number
  /** What clients are told to connect to. */
  advertised: string
  dataFolder: string
}

/** One node that is broker and controller, replication 1, sized for one machine. */
export function brokerProperties(listeners: KafkaListeners): Record<string, string> {
  const { bind, port, controllerPort, advertised, dataFolder } = listeners
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://${bind}:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${advertised}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': dataFolder,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': '1',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // The defaults of 50 make the first group wait for 50 folders.
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    // Tests that kill consumers by the dozen cannot wait for the default of 6 s each time.
    'group.min.session.timeout.ms': '1000',
    // A broker killed may come back only when its old session has run out: 12 s from kill to ready by default,
    // under 5 s with these.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // The default buffer alone is 128 MiB, half of our heap.
    'log.cleaner.dedupe.buffer.size': '8388608',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'background.threads': '4',
  }
}

export function asFile(properties: Record<string, string>): string {
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}

/** The names under which the apache/kafka image takes the same settings. */
export function asEnvironment(properties: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
      value,
    ]),
  )
}
