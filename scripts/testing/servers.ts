import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Daemon } from '../infrastructure/daemon.ts'
import { dockerAnswers } from '../infrastructure/docker.ts'
import { embeddedKafka } from '../infrastructure/kafka.ts'
import { findKafkaRuntime } from '../infrastructure/kafka-runtime.ts'
import { freePort } from '../infrastructure/ports.ts'
import { embeddedPostgres, type PostgresAddress } from '../infrastructure/postgres.ts'
import { containerKafka, containerPostgres } from './containers.ts'
import { RunFolder } from './run-folder.ts'

/** A server of a test's own. Port and data stay the same until it is removed. */
export type TestServer = {
  start(): Promise<void>
  /** The clean way; waits for the end. */
  stop(): Promise<void>
  /** SIGKILL; waits for the end. */
  kill(): Promise<void>
  /** Stops it and deletes its data. */
  remove(): Promise<void>
}
export type TestPostgres = TestServer & { address: PostgresAddress }
export type TestKafka = TestServer & { brokers: string[] }

export type ServerKind = 'containers' | 'embedded'
export type InfrastructureKind = ServerKind | 'external'

/** TEST_INFRA where it is set; else containers where a Docker engine answers, else embedded. */
export async function chooseInfrastructure(): Promise<InfrastructureKind> {
  const forced = process.env.TEST_INFRA
  if (!forced) return (await dockerAnswers()) ? 'containers' : 'embedded'
  if (forced !== 'containers' && forced !== 'embedded' && forced !== 'external') {
    throw new Error(`TEST_INFRA is "${forced}"; set it to containers, embedded or external, or leave it out.`)
  }
  if (forced === 'containers' && !(await dockerAnswers())) {
    throw new Error('TEST_INFRA is containers, and no Docker engine answers. Start Docker, or leave it out.')
  }
  return forced
}

/** How servers are made that a test may kill: never the external ones, which belong to somebody. */
export async function chooseServers(): Promise<ServerKind> {
  const kind = await chooseInfrastructure()
  if (kind !== 'external') return kind
  return (await dockerAnswers()) ? 'containers' : 'embedded'
}

/** Started and ready. */
export async function startTestPostgres(kind: ServerKind): Promise<TestPostgres> {
  if (kind === 'containers') return containerPostgres()
  const run = new RunFolder()
  const server = await embeddedPostgres({
    folder: join(run.path, 'postgres'),
    port: await freePort(),
    logFile: join(run.path, 'postgres.log'),
    durable: false,
  })
  return { address: server.address, ...(await startEmbedded(server, run)) }
}

/** Started and ready. With `advertisedPort` its clients go there: to a proxy that somebody has put before it. */
export async function startTestKafka(
  kind: ServerKind,
  options: { port?: number; advertisedPort?: number } = {},
): Promise<TestKafka> {
  if (kind === 'containers') return containerKafka(options)
  const run = new RunFolder()
  const server = await embeddedKafka({
    folder: join(run.path, 'kafka'),
    port: await freePort(),
    ...options,
    logFile: join(run.path, 'kafka.log'),
    runtime: await findKafkaRuntime(kafkaLibraries, line => console.error(line)),
  })
  return { brokers: server.brokers, ...(await startEmbedded(server, run)) }
}

const kafkaLibraries = fileURLToPath(new URL('../../.data/kafka-lib', import.meta.url))

async function startEmbedded(
  server: { daemon: Daemon; remove(): void },
  run: RunFolder,
): Promise<TestServer> {
  const { daemon } = server
  run.track(daemon)
  await daemon.start()
  return {
    start: () => daemon.start(),
    stop: async () => void (await daemon.stop()),
    kill: async () => void (await daemon.kill()),
    async remove() {
      // Its data is deleted anyway.
      await daemon.kill()
      server.remove()
      run.remove()
    },
  }
}
