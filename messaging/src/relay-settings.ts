import type { Pool } from 'pg'
import { assertWhole } from './assert-whole.ts'
import type { Backoff } from './backoff.ts'
import type { Log } from './log.ts'
import type { RelayObserver } from './observer.ts'
import type { Transport } from './transport.ts'

export type RelaySettings = {
  pool: Pool
  transport: Pick<Transport, 'publish'>
  /** CloudEvents source of everything in this outbox, e.g. /orders-service. */
  source: string
  log: Log
  /** Of the cursor. One outbox has one cursor unless it is published twice. */
  name?: string
  /** Rows read and published at once, 1 to 10,000. */
  batchSize?: number
  /** A page ends with the row that brings its payloads to so many bytes, 1 to 2^30: two pages are in memory at once. */
  batchBytes?: number
  /** A relay that is silent for this long is replaced. */
  leaseMs?: number
  /** The cursor is stored after this long, or this many rows, whichever comes first: what a crash repeats. */
  cursorIntervalMs?: number
  cursorRowsMax?: number
  /** The wait of an idle relay grows from the first to the second; after a wake-up from four times the first. */
  pollMinMs?: number
  pollMaxMs?: number
  /** How long a stop goes on publishing what is there. */
  drainMaxMs?: number
  retry?: Backoff
  observer?: RelayObserver
}

const relayDefaults = {
  name: 'outbox',
  batchSize: 1_000,
  batchBytes: 4 * 1024 * 1024,
  leaseMs: 10_000,
  cursorIntervalMs: 1_000,
  cursorRowsMax: 10_000,
  pollMinMs: 5,
  pollMaxMs: 1_000,
  drainMaxMs: 4_000,
  retry: { firstMs: 50, maxMs: 2_000 },
  observer: {} as RelayObserver,
}

/** With the defaults. Throws RangeError for a bound of a page that none can be read by. */
export function completeSettings(settings: RelaySettings): Required<RelaySettings> {
  const complete = { ...relayDefaults, ...settings }
  assertWhole('batchSize', complete.batchSize, 10_000)
  assertWhole('batchBytes', complete.batchBytes, 2 ** 30)
  return complete
}
