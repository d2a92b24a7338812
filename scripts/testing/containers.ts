import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { GenericContainer } from 'testcontainers'
import { kafkaAnswers } from '../infrastructure/kafka.ts'
import { kafkaContainerEnvironment, kafkaImage } from '../infrastructure/kafka-docker.ts'
import { freePort } from '../infrastructure/ports.ts'
import { locale, type PostgresAddress } from '../infrastructure/postgres.ts'
import type { TestKafka, TestPostgres, TestServer } from './servers.ts'

const readyMsMax = 60_000
const readyPollMs = 100
const stopSecondsMax = 20

export const postgresImage = 'postgres:18.4-alpine'

/** All that is needed: the two servers, and what removes them if we are killed. */
export async function containerImages(): Promise<string[]> {
  const { getReaperImage } = await import('testcontainers/build/reaper/reaper.js')
  return [postgresImage, kafkaImage(), getReaperImage()]
}

export async function containerPostgres(): Promise<TestPostgres> {
  const { GenericContainer } = await import('testcontainers')
  const port = await freePort()
  const password = randomBytes(18).toString('base64url')
  const container = new GenericContainer(postgresImage)
    .withEnvironment({ POSTGRES_PASSWORD: password, POSTGRES_INITDB_ARGS: locale.join(' ') })
    .withExposedPorts({ container: 5432, host: port })
    .withCommand(['postgres', '-c', 'max_connections=200', '-c', 'jit=off', '-c', 'fsync=off'])
  let address: PostgresAddress = { host: '127.0.0.1', port, user: 'postgres', password }
  const server = await startContainer(container, host => {
    address = { ...address, host }
    return postgresAnswers(address)
  })
  return { address, ...server }
}

export async function containerKafka(options: {
  port?: number
  advertisedPort?: number
}): Promise<TestKafka> {
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers')
  const { port = await freePort(), advertisedPort = port } = options
  // The broker names itself to its clients, so it must know its address before it starts.
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime
  const container = new GenericContainer(kafkaImage())
    .withEnvironment(kafkaContainerEnvironment(`${host}:${advertisedPort}`))
    .withExposedPorts({ container: 9092, host: port })
  return {
    brokers: [`${host}:${port}`],
    ...(await startContainer(container, () => kafkaAnswers(host, port))),
  }
}

/** Testcontainers starts and, whatever happens to us, removes it; in between the engine itself is asked. */
async function startContainer(
  container: GenericContainer,
  readyOnce: (host: string) => Promise<boolean>,
): Promise<TestServer> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  const started = await container.start()
  const handle = (await getContainerRuntimeClient()).container.getById(started.getId())
  const untilReady = async () => {
    const deadline = Date.now() + readyMsMax
    while (!(await readyOnce(started.getHost()))) {
      if (Date.now() > deadline) {
        throw new Error(`The container ${started.getName()} was not ready after ${readyMsMax / 1000} s.`)
      }
      await sleep(readyPollMs)
    }
  }
  await untilReady()
  return {
    async start() {
      await handle.start()
      await untilReady()
    },
    stop: async () => void (await handle.stop({ t: stopSecondsMax })),
    kill: async () => void (await handle.kill({ signal: 'SIGKILL' })),
    remove: async () => void (await handle.remove({ force: true, v: true })),
  }
}

async function postgresAnswers(address: PostgresAddress): Promise<boolean> {
  const client = new pg.Client({ ...address, database: 'postgres', connectionTimeoutMillis: 2000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}
