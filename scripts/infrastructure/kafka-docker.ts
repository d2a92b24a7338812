import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { Daemon } from './daemon.ts'
import {
  asEnvironment,
  brokerProperties,
  clusterId,
  heapOptions,
  jvmOptions,
  kafkaVersion,
} from './kafka-properties.ts'
import { assertPortFree } from './ports.ts'
import { run } from './run-command.ts'

export type KafkaInDocker = {
  folder: string
  port: number
  advertisedPort: number
  logFile: string
  readyOnce: () => Promise<boolean>
}

export const kafkaPortAdvice =
  'set KAFKA_PORT to a free port, or set KAFKA_BROKERS to it if it is the Kafka you want to use'

const insidePort = 9092
const dataFolder = '/var/lib/kafka/data'

/** The image passes its environment on as server.properties. */
export function kafkaContainerEnvironment(advertised: string): Record<string, string> {
  return {
    CLUSTER_ID: clusterId,
    KAFKA_HEAP_OPTS: heapOptions.join(' '),
    KAFKA_JVM_PERFORMANCE_OPTS: jvmOptions.join(' '),
    ...asEnvironment(
      brokerProperties({ bind: '0.0.0.0', port: insidePort, controllerPort: 9093, advertised, dataFolder }),
    ),
  }
}

export const kafkaImage = () => `apache/kafka:${kafkaVersion()}`

/**
 * The same broker where there is Docker but no Java. Container and volume are named after the folder, so that
 * the next start finds what a crash left; `docker run` stays in the foreground and passes SIGTERM on.
 */
export function kafkaInDocker({ folder, port, advertisedPort, logFile, readyOnce }: KafkaInDocker) {
  const name = `order-payments-kafka-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`
  const environment = Object.entries(kafkaContainerEnvironment(`127.0.0.1:${advertisedPort}`))
  const removeContainer = () => run('docker', ['rm', '--force', name]).then(noop, noop)
  const daemon = new Daemon({
    name: 'kafka',
    command: 'docker',
    args: [
      'run',
      '--rm',
      `--name=${name}`,
      `--publish=127.0.0.1:${port}:${insidePort}`,
      `--volume=${name}:${dataFolder}`,
      '--memory=512m',
      ...environment.map(([variable, value]) => `--env=${variable}=${value}`),
      kafkaImage(),
    ],
    cwd: '/',
    logFile,
    async prepare() {
      await removeContainer()
      await assertPortFree(port, 'Kafka', kafkaPortAdvice)
    },
    readyOnce,
    // The first start also fetches the image.
    readyMsMax: 600_000,
    stopSignal: 'SIGTERM',
    stopMsMax: 20_000,
    killElsewhere: removeContainer,
  })
  return { daemon, remove: () => spawnSync('docker', ['volume', 'rm', '--force', name]) }
}

const noop = () => undefined
