import { isIP } from 'node:net'
import {
  type Base,
  type BaseOptions,
  type ClusterMetadata,
  Consumer,
  findErrorBy,
  type GroupOptions,
  type SASLMechanismValue,
} from '@platformatic/kafka'
import type { KafkaSettings } from './kafka-settings.ts'
import { bearLostBrokers, bearLostTopics } from './platformatic-lost-brokers.ts'

const connectTimeoutMs = 3_000
/** Joining a group lasts up to its rebalance timeout of 10 s; what answers nothing for longer leads nowhere. */
const requestTimeoutMs = 15_000
const keepAliveMs = 60_000
const metadataMaxAgeMs = 60_000
/** How often those who read a topic look whether it has more partitions, and who leads those that nobody leads. */
export const partitionsLookMs = 10_000

/** The part of each of its clients that ends it for certain. */
type Closable = {
  connections: Iterable<[string, { socket?: { destroy(error?: Error): void } }]>
  close(): Promise<void>
}

export const baseOptions = ({ brokers, clientId, tls, sasl }: KafkaSettings): BaseOptions => ({
  clientId,
  bootstrapBrokers: brokers,
  connectTimeout: connectTimeoutMs,
  requestTimeout: requestTimeoutMs,
  metadataMaxAge: metadataMaxAgeMs,
  // Its own retries join groups where we do not expect it; whoever calls it tries again.
  retries: false,
  ...(tls && {
    tls,
    tlsServerName: brokers.every(broker => !isIP(broker.slice(0, broker.lastIndexOf(':')))),
  }),
  ...(sasl && { sasl: { ...sasl, mechanism: sasl.mechanism.toUpperCase() as SASLMechanismValue } }),
})

/**
 * A client of which the topics are known: a member of a group, or with a group of no meaning one that only reads. In its
 * metadata a topic that is not there has no partitions: who asks for it has to see whether any is there.
 */
export function openConsumer(
  settings: KafkaSettings,
  groupId: string,
  topics: string[],
  group: GroupOptions = {},
) {
  const consumer = new Consumer({
    ...baseOptions(settings),
    groupId: 'named-below',
    autocommit: false,
    ...group,
  })
  // Given to it now: when made, it refuses names with a space, which Kafka allows.
  consumer.groupId = groupId
  prepare(consumer, settings)
  bearLostTopics(consumer)
  consumer.topics.trackAll(...topics)
  return consumer
}

/** Whatever it is for. */
export function prepare(client: Base, { log, clientId }: KafkaSettings): void {
  bearLostBrokers(client)
  client.on('error', (err: Error) => log.debug({ err, clientId }, 'kafka client: error'))
  client.on(
    'client:broker:connect',
    ({ connection }: { connection: { socket?: { setKeepAlive(on: boolean, ms: number): void } } }) =>
      connection.socket?.setKeepAlive(true, keepAliveMs),
  )
}

/** Of those that a consumer asks for; it bears that one is gone. */
export const isThere = (topic: string, { topics }: Pick<ClusterMetadata, 'topics'>): boolean =>
  (topics.get(topic)?.partitions.length ?? 0) > 0

/** Throws where none is: there is nothing to read, and nothing to join for. */
export function expectAnyThere(topics: string[], found: Pick<ClusterMetadata, 'topics'>): void {
  if (!topics.some(topic => isThere(topic, found))) throw new Error(`Unknown topic ${topics.join(', ')}.`)
}

/** Its close waits for brokers that may never answer. */
export function cutOff(client: Closable): void {
  const sockets = [...client.connections].map(([, { socket }]) => socket)
  void client.close().catch(() => undefined)
  for (const socket of sockets) socket?.destroy()
}

export const isError = (error: unknown, apiId: string): boolean =>
  findErrorBy(error as Error, 'apiId', apiId) !== null

/** Its errors say what happened in those that they hold. */
export function reasonOf(error: unknown): string {
  const { message, errors, cause } = error as Partial<AggregateError>
  return [message, ...new Set([...(errors ?? []), ...(cause ? [cause] : [])].map(reasonOf))].join(' ')
}

/** As its callers expect an error: with what happened in its message. */
export async function told<Result>(promise: Promise<Result>): Promise<Result> {
  try {
    return await promise
  } catch (cause) {
    throw new Error(reasonOf(cause), { cause })
  }
}
