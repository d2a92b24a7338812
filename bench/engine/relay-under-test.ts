import type { DatabaseAddress, MigrationSet } from 'migrations/migrate'
import type { Pool } from 'pg'
import type { Servers } from '../harness/servers.ts'

/** Where a relay works: a database of its own, and a topic of its own with 6 partitions, empty at first. */
export type RelayPlace = { database: DatabaseAddress; brokers: string[]; topic: string; servers: Servers }

/** One way from a table to Kafka. All are put through the same workload. */
export type RelayUnderTest = {
  name: string
  migrations: MigrationSet
  /** Appends one event in a transaction of its own: $1 key, $2 payload (JSON text), $3 topic. */
  appendSql: string
  /** Appends the events numbered $1 to $2, with `payloadSql('number')` as payload and `keySql('number')` as key: $3 topic. */
  fillSql: string
  /** Makes what the migrations do not make. Publishes nothing yet. */
  open(place: RelayPlace): Promise<OpenRelay>
}

export type OpenRelay = {
  /** Publishes from now on; ready when it resolves, or as near to it as one can tell. May be called again after `stop`. */
  start(): Promise<void>
  stop(): Promise<void>
  close(): Promise<void>
  /** Where the relay lives in the process that writes; a writer that knows of no relay is used otherwise. */
  append?(order: AppendOrder): Promise<Appended>
}

export type AppendOrder = {
  database: DatabaseAddress
  sql: string
  topic: string
  perSecond: number
  seconds: number
  /** The number of the first event; the others count on from it. */
  first: number
}

/** When each commit was acknowledged, and how late at most an append was begun. */
export type Appended = { committedAtMs: Float64Array; latestMs: number }

export const partitions = 6
const keys = 1_000

export const keyOf = (event: number): string => String(event % keys)
export const keySql = (event: string): string => `(${event} % ${keys})::text`

const rest = `, "at": "depot 17, gate 4", "parcel": "0199f3a5-7d1c-7a52-9c0e-5b7f3f1f0a11", "weight_g": 1250}`
export const writersConnections = 8

/** Opens the writer's connections, so that none is opened while it is measured. */
export async function connectAll(pool: Pool): Promise<void> {
  const clients = await Promise.all(Array.from({ length: writersConnections }, () => pool.connect()))
  for (const client of clients) client.release()
}

/** 120 bytes for an event with six digits. */
export const payloadOf = (event: number): string => `{"event": ${event}${rest}`
export const payloadSql = (event: string): string => `('{"event": ' || ${event} || '${rest}')`
export const eventOf = (payload: Buffer | null): number => JSON.parse(String(payload)).event
