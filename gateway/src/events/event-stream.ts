import type { ServerResponse } from 'node:http'
import type { EventLog, LoggedEvent } from './event-log.ts'
import { advance, formatPosition, type Position, reaches } from './position.ts'

export type Reader = {
  /** Only this user's events; of all users where undefined. */
  userId: number | undefined
  /** The Last-Event-ID: undefined where none was sent, 'unreadable' where nobody can have given it out. */
  place: Position | 'unreadable' | undefined
  /** Of what came before, a reader without a place gets the events stamped from here on; at most a second more. */
  sinceMs: number
}

/** Events written at once; with what the socket holds back, this bounds what a slow reader costs. */
const pageEventsMax = 256
/** Other users' events passed over before a filtered reader is told how far it has come. */
const silentEventsMax = 1_000
/** Messages are stamped by their producer's clock. */
const clockSkewMsMax = 1_000

/**
 * One reader of the log: a number in it, moved on as fast as its socket takes the events. There is no queue; a
 * reader that the log leaves behind is cut off, comes again with the last id it got, and is served from there.
 */
export class EventStream {
  readonly #response: ServerResponse
  readonly #reader: Reader
  #log: EventLog | undefined
  #next = 0
  /** Events before this number came in while the reader waited, in no order of time. */
  #filling = 0
  /** Set while the reader's place is not simply a number in this log: what it has seen of each partition. */
  #seen: Position | undefined
  #aheadSinceMs: number | undefined
  #silent = 0
  #blockedSinceMs: number | undefined

  constructor(response: ServerResponse, reader: Reader) {
    this.#response = response
    this.#reader = reader
    response.on('drain', () => {
      this.#blockedSinceMs = undefined
      this.pump(Date.now())
    })
  }

  /**
   * Begins at the reader's place, and says `resync` where that is no longer held. One without a place begins now;
   * or when it came, if it had to wait for the log to be filled: what settled meanwhile is news to it.
   */
  start(log: EventLog, nowMs: number, waited: boolean): void {
    this.#log = log
    const { place } = this.#reader
    if (place === undefined) {
      this.#next = waited ? log.first : log.end
      this.#filling = waited ? log.end : 0
    } else {
      const found = place === 'unreadable' ? ({ kind: 'gone' } as const) : log.find(place)
      if (found.kind === 'gone') {
        this.resync(log, nowMs)
        return
      }
      this.#next = found.from
      this.#seen = new Map(place as Position)
    }
    this.pump(nowMs)
    // A first id at once, so that a connection lost before the first event loses no event either.
    if (this.#blockedSinceMs === undefined) this.#write(`id: ${this.#idNow(log)}\n\n`, nowMs)
  }

  /** Tells the reader that it may have missed events: it reads afresh what it shows, and goes on from here. */
  resync(log: EventLog, nowMs: number): void {
    this.#log = log
    this.#next = log.end
    this.#seen = undefined
    this.#aheadSinceMs = undefined
    this.#write(`id: ${log.positionText}\nevent: resync\ndata: {}\n\n`, nowMs)
  }

  /** Writes what there is for this reader, until its socket is full. */
  pump(nowMs: number): void {
    const log = this.#log
    if (!log) return
    while (this.#blockedSinceMs === undefined && this.#next < log.end) {
      if (this.#next < log.first) {
        this.cutOff()
        return
      }
      const page = this.#page(log)
      if (page) this.#write(page, nowMs)
    }
    if (this.#seen && this.#next === log.end) this.#catchUp(log, this.#seen, nowMs)
  }

  /** A sign of life for proxies and dead sockets, with the place reached; gives up on a reader that takes nothing. */
  heartbeat(nowMs: number, stallMsMax: number, aheadMsMax: number): void {
    if (this.#blockedSinceMs !== undefined) {
      if (nowMs - this.#blockedSinceMs >= stallMsMax) this.cutOff()
      return
    }
    if (this.#log && this.#aheadSinceMs !== undefined && nowMs - this.#aheadSinceMs >= aheadMsMax) {
      this.resync(this.#log, nowMs)
      return
    }
    const id = this.#log ? `id: ${this.#idNow(this.#log)}\n` : ''
    this.#write(`: alive\n${id}\n`, nowMs)
  }

  end(): void {
    this.#response.end()
  }

  cutOff(): void {
    this.#response.destroy()
  }

  #page(log: EventLog): string {
    let text = ''
    const end = Math.min(log.end, this.#next + pageEventsMax)
    for (; this.#next < end; this.#next++) {
      const event = log.at(this.#next)
      if (!event) continue
      if (this.#seen) {
        if (event.offset < (this.#seen.get(event.partition) ?? 0n)) continue
        advance(this.#seen, event.partition, event.offset + 1n)
      }
      const wanted = this.#wants(event)
      if (wanted) {
        this.#silent = 0
        text += `id: ${this.#idAfter(log)}\n${log.textOf(this.#next)}`
      } else if (++this.#silent >= silentEventsMax) {
        this.#silent = 0
        text += `id: ${this.#idAfter(log)}\n\n`
      }
    }
    return text
  }

  #wants({ userId, stampedMs }: LoggedEvent): boolean {
    if (this.#next < this.#filling && stampedMs < this.#reader.sinceMs - clockSkewMsMax) return false
    return this.#reader.userId === undefined || this.#reader.userId === userId
  }

  /**
   * At the log's end: all that the log has passed, the reader has passed too. From when the log has also passed
   * all that the reader has seen elsewhere, its place is a number in this log.
   */
  #catchUp(log: EventLog, seen: Position, nowMs: number): void {
    for (const [partition, next] of log.position) advance(seen, partition, next)
    if (reaches(log.position, seen)) {
      this.#seen = undefined
      this.#aheadSinceMs = undefined
    } else {
      this.#aheadSinceMs ??= nowMs
    }
  }

  #idNow(log: EventLog): string {
    return this.#seen ? formatPosition(this.#seen) : log.placeBefore(this.#next)
  }

  /** With the event that comes next. */
  #idAfter(log: EventLog): string {
    return this.#seen ? formatPosition(this.#seen) : log.placeBefore(this.#next + 1)
  }

  #write(text: string, nowMs: number): void {
    if (this.#response.destroyed || this.#response.writableEnded) return
    if (!this.#response.write(text)) this.#blockedSinceMs = nowMs
  }
}
