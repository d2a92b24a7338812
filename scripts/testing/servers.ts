import { join } from 'node:path'
import type { Daemon } from '../infrastructure/daemon.ts'
import { dockerAnswers, fetchImages } from '../infrastructure/docker.ts'
import { embeddedKafka, type KafkaOptions } from '../infrastructure/kafka.ts'
import { findKafkaRuntime } from '../infrastructure/kafka-runtime.ts'
import { freePort } from '../infrastructure/ports.ts'
import { embeddedPostgres, type PostgresAddress } from '../infrastructure/postgres.ts'
import { kafkaLibraryFolder } from '../system/settings.ts'
import { containerImages, containerKafka, containerPostgres } from './containers.ts'
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

/**
 * TEST_INFRA where it is set; else containers where a Docker engine answers that has their images or can fetch them,
 * else embedded.
 */
export async function chooseInfrastructure(): Promise<InfrastructureKind> {
  const forced = process.env.TEST_INFRA
  if (forced === 'embedded' || forced === 'external') return forced
  if (forced && forced !== 'containers') {
    throw new Error(`TEST_INFRA is "${forced}"; set it to containers, embedded or external, or leave it out.`)
  }
  const problem = await whyNoContainers()
  if (!problem) return 'containers'
  if (forced)
    throw new Error(`TEST_INFRA is containers, and ${problem}. Correct it, or leave TEST_INFRA out.`)
  return 'embedded'
}

let problem: Promise<string | undefined> | undefined

/** Undefined where there is nothing against them; found out, and told, once per process. */
function whyNoContainers(): Promise<string | undefined> {
  problem ??= (async () => {
    if (!(await dockerAnswers())) return 'no Docker engine answers'
    const reason = await fetchImages(await containerImages(), line => console.error(line))
    if (reason) console.error(`No containers: ${reason}. Tests use the embedded servers.`)
    return reason
  })()
  return problem
}

/** How servers are made that a test may kill: never the external ones, which belong to somebody. */
export async function chooseServers(): Promise<ServerKind> {
  const kind = await chooseInfrastructure()
  if (kind !== 'external') return kind
  return (await whyNoContainers()) ? 'embedded' : 'containers'
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
  return kind === 'containers' ? containerKafka(options) : startEmbeddedKafka(options)
}

/** For what is set in the broker itself. */
export async function startEmbeddedKafka(
  options: Partial<Omit<KafkaOptions, 'folder' | 'logFile' | 'runtime'>>,
): Promise<TestKafka> {
  const run = new RunFolder()
  const server = await embeddedKafka({
    folder: join(run.path, 'kafka'),
    port: await freePort(),
    ...options,
    logFile: join(run.path, 'kafka.log'),
    runtime: await findKafkaRuntime(kafkaLibraryFolder, line => console.error(line)),
  })
  return { brokers: server.brokers, ...(await startEmbedded(server, run)) }
}

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
