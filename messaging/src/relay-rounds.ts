import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { PoolClient } from 'pg'
import { CarriedRead } from './carried-read.ts'
import { nextPage, openWindow, type Page, type PageBounds, type Window } from './claim-window.ts'
import type { Rider } from './commits.ts'
import { toMessage } from './envelope.ts'
import { failpointsOf } from './failpoint.ts'
import { tell } from './observer.ts'
import {
  acquireLease,
  type Cursor,
  type Lease,
  releaseLease,
  renewLease,
  storeCursor,
} from './relay-cursor.ts'
import { completeSettings, type RelaySettings } from './relay-settings.ts'
import { parseSnapshot } from './snapshot.ts'

export type RelayOutcome =
  | { kind: 'standby'; owner: string; freeInMs: number }
  | { kind: 'idle' }
  /** `isMore`: another page follows, or it is long since the window was read. */
  | { kind: 'published'; rows: number; isMore: boolean }
  | { kind: 'fenced' }

const failpoint = failpointsOf<
  'relay.acquired' | 'relay.renewing' | 'relay.claimed' | 'relay.published' | 'relay.storing' | 'relay.stored'
>()

/** What an owner knows in memory; forgotten on any error, and read again from the database. */
type Owned = {
  lease: Lease
  leaseEndsAt: number
  client: PoolClient
  from: string
  window: Window | undefined
  /** Where the next window begins, unless it is being read or the one in hand has more pages. */
  nextFrom: string | undefined
  /** The next page of the window in hand, read while the one before it is published. */
  ahead: Promise<Page> | undefined
  timeline: string | undefined
  rowsSinceStored: number
  storedAt: number
}

/**
 * Publishes the outbox in order: claims a window, publishes it page by page, advances. At least once: what was
 * published after the cursor was last stored is published again after a crash, in the same order and with the same
 * event ids. One owner at a time; others stand by.
 */
export class Relay {
  readonly #settings: Required<RelaySettings>
  readonly #owner = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`
  #owned: Owned | undefined
  #publishedRows = 0
  readonly #carried = new CarriedRead()
  readonly #onLost = (err: Error) => this.#settings.log.warn({ err }, 'relay lost its connection')

  constructor(settings: RelaySettings) {
    this.#settings = completeSettings(settings)
  }

  get isOwner(): boolean {
    return this.#owned !== undefined
  }

  get publishedRows(): number {
    return this.#publishedRows
  }

  get #bounds(): PageBounds {
    return { rows: this.#settings.batchSize, bytes: this.#settings.batchBytes }
  }

  /** A commit brings the next window, or has brought it. */
  get hasNext(): boolean {
    return this.#carried.isThere
  }

  /** The read of the next window, for a commit to take along, one at a time. `onAnswer` hears whether it was brought. */
  rider(onAnswer: (isBrought: boolean) => void): Rider | undefined {
    const from = this.#owned?.nextFrom
    if (from === undefined || this.#carried.isThere) return undefined
    return this.#carried.send(from, this.#bounds, onAnswer)
  }

  /** Publishes at most one page. Throws when the database or the broker fails; then call it again after a while. */
  async relayOnce(): Promise<RelayOutcome> {
    try {
      return await this.#relayOnce()
    } catch (error) {
      this.#forget(error)
      throw error
    }
  }

  async #relayOnce(): Promise<RelayOutcome> {
    const owned = this.#owned ?? (await this.#acquire())
    if ('kind' in owned) return owned
    if (!(await this.#keepLease(owned))) return this.#fenced()

    const isLater = owned.window !== undefined
    const page = (await this.#takeNext(owned)) ?? (await this.#read(owned))
    if (page.isLast) owned.nextFrom = page.window.to
    if (this.#isAnotherHistory(owned, page)) {
      throw new Error('the database is on another timeline than a moment ago; the cursor is read again')
    }
    if (page.rows.length > 0) {
      this.#readAhead(owned, page)
      await failpoint('relay.claimed')
      await this.#publish(page.rows)
      this.#publishedRows += page.rows.length
      await failpoint('relay.published')
    }
    this.#advance(owned, page)
    if (this.#isStoreDue(owned) && !(await this.#store(owned))) return this.#fenced()
    const rows = page.rows.length
    return rows > 0 ? { kind: 'published', rows, isMore: isLater || !page.isLast } : { kind: 'idle' }
  }

  /** What an owner remembers between rounds, for tests that falsify it. */
  memoryForTests(): object | undefined {
    return this.#owned
  }

  /** Stores what is published and lets a standby take over at once. */
  async release(): Promise<void> {
    const owned = this.#owned
    if (!owned) return
    if (owned.rowsSinceStored > 0) await storeCursor(this.#settings.pool, owned.lease, cursorOf(owned))
    await releaseLease(this.#settings.pool, owned.lease)
    this.#forget()
  }

  /** Gives its connection back without a word, as a crash would: the lease runs out. */
  abandon(reason: unknown): void {
    this.#forget(reason)
  }

  async #acquire(): Promise<Owned | RelayOutcome> {
    const { pool, name, leaseMs, log } = this.#settings
    const askedAt = performance.now()
    const acquired = await acquireLease(pool, name, this.#owner, leaseMs)
    if (acquired.kind === 'standby') return acquired
    await failpoint('relay.acquired')
    const { lease, cursor, restampedRows } = acquired
    if (restampedRows !== undefined) {
      log.warn(
        { cursor: name, restampedRows },
        'this database came from another cluster: everything retained is published again',
      )
    }
    log.info({ cursor: name, epoch: lease.epoch }, 'relay owns the outbox')
    const client = await pool.connect()
    // Without a listener, a connection that breaks between two statements would end the process.
    client.on('error', this.#onLost)
    this.#owned = {
      lease,
      leaseEndsAt: askedAt + leaseMs,
      client,
      from: cursor.publishedTo,
      window: cursor.window && { from: cursor.publishedTo, ...cursor.window },
      nextFrom: undefined,
      ahead: undefined,
      timeline: undefined,
      rowsSinceStored: 0,
      storedAt: performance.now(),
    }
    return this.#owned
  }

  /** Renews in good time; an owner that slept past its lease asks before it publishes. */
  async #keepLease(owned: Owned): Promise<boolean> {
    const { leaseMs, pool } = this.#settings
    const now = performance.now()
    if (owned.leaseEndsAt - now > (leaseMs * 2) / 3) return true
    await failpoint('relay.renewing')
    if (!(await renewLease(pool, owned.lease))) return false
    owned.leaseEndsAt = now + leaseMs
    return true
  }

  /** Of use only where the relay stands as it stood when the commit took the read along. Empty, it tells nothing. */
  async #takeNext(owned: Owned): Promise<Page | undefined> {
    const page = await this.#carried.take()
    if (!page || page.window.from !== owned.from || owned.window || page.rows.length === 0) return undefined
    owned.nextFrom = undefined
    return page
  }

  /** The next page of the window in hand, or the first of the next window. Empty only when all is published. */
  async #read(owned: Owned): Promise<Page> {
    owned.nextFrom = undefined
    if (owned.window) {
      const page = await (owned.ahead ?? nextPage(owned.client, owned.window, this.#bounds))
      owned.ahead = undefined
      if (page.rows.length > 0) return page
      // It ended just at the end of a page; what was committed since is in the window after it.
      this.#advance(owned, page)
    }
    return openWindow(owned.client, owned.from, this.#bounds)
  }

  /** What a window has is decided, whenever it is read. */
  #readAhead(owned: Owned, { isLast, window }: Page): void {
    if (isLast) return
    owned.ahead = nextPage(owned.client, window, this.#bounds)
    // Whoever takes it hears of its failure; after another failure nobody does.
    owned.ahead.catch(() => undefined)
  }

  async #publish(rows: Page['rows']): Promise<void> {
    const { source, transport, observer, log } = this.#settings
    const messages = rows.map(row => toMessage(row, source))
    const onEnd = tell(log, () => observer.onPublish?.(messages, rows))
    try {
      await transport.publish(messages)
    } catch (error) {
      tell(log, () => onEnd?.(error))
      throw error
    }
    tell(log, () => onEnd?.())
  }

  /** After a failover behind a pooler, the snapshot in memory may know transactions that never happened here. */
  #isAnotherHistory(owned: Owned, page: Page): boolean {
    const isOther =
      (owned.timeline !== undefined && page.timeline !== undefined && page.timeline !== owned.timeline) ||
      parseSnapshot(page.window.to).xmax < parseSnapshot(owned.from).xmax
    owned.timeline ??= page.timeline
    return isOther
  }

  #advance(owned: Owned, page: Page): void {
    owned.rowsSinceStored += page.rows.length
    if (page.isLast) {
      owned.window = undefined
      owned.from = page.window.to
    } else {
      owned.window = page.window
    }
  }

  #isStoreDue(owned: Owned): boolean {
    const { cursorRowsMax, cursorIntervalMs } = this.#settings
    if (owned.rowsSinceStored === 0) return false
    return owned.rowsSinceStored >= cursorRowsMax || performance.now() - owned.storedAt >= cursorIntervalMs
  }

  async #store(owned: Owned): Promise<boolean> {
    const now = performance.now()
    await failpoint('relay.storing')
    if (!(await storeCursor(this.#settings.pool, owned.lease, cursorOf(owned)))) return false
    await failpoint('relay.stored')
    owned.leaseEndsAt = now + this.#settings.leaseMs
    owned.rowsSinceStored = 0
    owned.storedAt = now
    return true
  }

  #fenced(): RelayOutcome {
    this.#settings.log.warn({ cursor: this.#settings.name }, 'another relay took over; this one stands by')
    this.#forget()
    return { kind: 'fenced' }
  }

  #forget(error?: unknown): void {
    const { client, ahead } = this.#owned ?? {}
    this.#owned = undefined
    this.#carried.forget()
    // Only ours: those of the pool's owner keep whoever has the connection next from ending with it.
    client?.off('error', this.#onLost)
    // The pool closes a connection that is given back with an error; it may be in the middle of a transaction.
    client?.release(error !== undefined || ahead !== undefined)
  }
}

const cursorOf = ({ from, window }: Owned): Cursor => ({
  publishedTo: from,
  window: window && { to: window.to, afterId: window.afterId },
})
