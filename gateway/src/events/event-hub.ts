import type { ServerResponse } from 'node:http'
import type { Log } from 'messaging/log'
import type { IncomingMessage, PartitionRange } from 'messaging/transport'
import { EventLog } from './event-log.ts'
import { EventStream, type Reader } from './event-stream.ts'
import { readOrderEvent } from './order-event.ts'
import { RecentIds } from './recent-ids.ts'

export type HubSettings = {
  streamsMax: number
  /** Events held of all partitions together: half a minute of 500 a second, in some 4 MB outside the heap. */
  eventsMax?: number
  eventBytesMax?: number
  /** Events of each partition that are read again at start, as far as all of them together are held. */
  refillMax?: number
  /** Ids of each partition in which a repetition is looked for; a relay repeats at most 10,000 after a crash. */
  idsMax?: number
  heartbeatMs?: number
  /** A reader that takes nothing for this long is cut off. */
  stallMsMax?: number
  /** A reader whose place is ahead of the topic for this long has it from a topic that is gone. */
  aheadMsMax?: number
}

/** Joins the topic and its readers: keeps the log, leaves out repetitions, and moves every stream on. */
export class EventHub {
  readonly #settings: Required<HubSettings>
  readonly #log: Log
  readonly #streams = new Set<EventStream>()
  #events: EventLog
  #ids = new Map<number, RecentIds>()
  /** Where each partition ended when the log began to be filled; empty once it is filled up to there. */
  #filling: Map<number, bigint> | undefined
  #ready = false
  #closed = false
  readonly #heartbeat: NodeJS.Timeout

  constructor(settings: HubSettings, log: Log) {
    this.#settings = {
      eventsMax: 16_384,
      eventBytesMax: 16 * 1024 * 1024,
      refillMax: 4_096,
      idsMax: 12_288,
      heartbeatMs: 10_000,
      stallMsMax: 30_000,
      aheadMsMax: 5_000,
      ...settings,
    }
    this.#log = log
    this.#events = this.#emptyLog()
    this.#heartbeat = setInterval(() => this.#beat(), this.#settings.heartbeatMs)
  }

  /** Whether the log is filled, so that places can be judged and streams run. */
  get isReady(): boolean {
    return this.#ready
  }

  get streamsOpen(): number {
    return this.#streams.size
  }

  /**
   * Answers where to begin to read each partition. Ids are remembered from there on, but events are served from
   * `idsMax` later, or less where there is nothing earlier: whether an event is a repetition must not depend on when
   * this gateway started, or readers that move from one to another would miss events or see them twice.
   */
  begin(partitions: PartitionRange[]): Map<number, bigint> {
    const { eventsMax, refillMax, idsMax } = this.#settings
    // What one partition has too many of would push out the newest of those that were read before it.
    const refill = Math.min(refillMax, Math.floor(eventsMax / partitions.length))
    this.#ready = false
    this.#events = this.#emptyLog()
    this.#ids = new Map()
    this.#filling = new Map()
    const starts = new Map<number, bigint>()
    for (const { partition, first, end } of partitions) {
      const lastOf = (count: number) => (end - BigInt(count) > first ? end - BigInt(count) : first)
      const start = lastOf(refill + idsMax)
      starts.set(partition, start)
      this.#events.open(partition, lastOf(refill))
      if (start < end) this.#filling.set(partition, end)
    }
    this.#startWhenFilled()
    return starts
  }

  /** Takes what came of one partition; `next` is the offset after it. Never throws. */
  take(partition: number, messages: IncomingMessage[], next: bigint): void {
    const known = this.#events.position.get(partition)
    const [first] = messages
    if (known === undefined) this.#events.open(partition, first?.offset ?? next)
    else if (first && this.#ready && first.offset < known) this.#beginAnew(partition, first.offset)
    for (const message of messages) this.#takeOne(message)
    this.#events.passTo(partition, next)
    if (this.#filling && next >= (this.#filling.get(partition) ?? next)) this.#filling.delete(partition)
    if (this.#ready) this.#pumpAll()
    else this.#startWhenFilled()
  }

  /** For one more stream; none is served while it closes. */
  hasRoom(): boolean {
    return !this.#closed && this.#streams.size < this.#settings.streamsMax
  }

  /** Serves the reader on this response until either goes away. */
  serve(response: ServerResponse, reader: Reader): void {
    const stream = new EventStream(response, reader)
    this.#streams.add(stream)
    // A reader that goes away is no error.
    response.on('error', () => undefined)
    response.on('close', () => this.#streams.delete(stream))
    if (this.#ready) stream.start(this.#events, Date.now(), false)
  }

  /** Ends all streams; their readers come again, here or elsewhere, and go on where they were. */
  close(): void {
    this.#closed = true
    clearInterval(this.#heartbeat)
    for (const stream of this.#streams) stream.end()
  }

  #takeOne(message: IncomingMessage): void {
    const { partition, offset, timestamp } = message
    const event = readOrderEvent(message)
    if (!event) {
      this.#log.warn(
        { topic: message.topic, partition, offset: String(offset) },
        'passed over a message that is no order status',
      )
      return
    }
    const ids = this.#ids.get(partition) ?? new RecentIds(this.#settings.idsMax)
    this.#ids.set(partition, ids)
    // Read for its id only: it lies before what this log serves, or repeats what it has.
    if (!ids.isNew(event.id) || offset < (this.#events.position.get(partition) ?? 0n)) return
    const { userId, text } = event
    this.#events.append({ partition, offset, userId, stampedMs: timestamp.getTime() }, text)
  }

  /** Offsets went back: the topic was deleted and made again, and no place in the old one means anything. */
  #beginAnew(partition: number, offset: bigint): void {
    this.#log.warn({ partition, offset: String(offset) }, 'the topic began anew; readers are told to resync')
    this.#events = this.#emptyLog()
    this.#ids = new Map()
    this.#events.open(partition, offset)
    for (const stream of this.#streams) stream.resync(this.#events, Date.now())
  }

  #startWhenFilled(): void {
    if (this.#ready || !this.#filling || this.#filling.size > 0) return
    this.#ready = true
    this.#filling = undefined
    this.#log.info(
      { events: this.#events.end - this.#events.first, streams: this.#streams.size },
      'event log filled',
    )
    for (const stream of this.#streams) stream.start(this.#events, Date.now(), true)
  }

  #pumpAll(): void {
    const nowMs = Date.now()
    for (const stream of this.#streams) stream.pump(nowMs)
  }

  #beat(): void {
    const { stallMsMax, aheadMsMax } = this.#settings
    const nowMs = Date.now()
    for (const stream of this.#streams) stream.heartbeat(nowMs, stallMsMax, aheadMsMax)
  }

  #emptyLog(): EventLog {
    return new EventLog(this.#settings.eventsMax, this.#settings.eventBytesMax)
  }
}
