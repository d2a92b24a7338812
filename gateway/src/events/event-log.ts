import { advance, formatNext, formatPosition, type Position } from './position.ts'

export type LoggedEvent = {
  partition: number
  offset: bigint
  userId: number
  stampedMs: number
  text: string
  /** The log's position with this event in it, as text. */
  after: string
}

export type Place =
  /** Go on with event number `from`. */
  | { kind: 'held'; from: number }
  /** Some event after that place is no longer held, or the topic never had it. */
  | { kind: 'gone' }

/**
 * The last events of all partitions in the order in which they came in here, numbered. Holds at most `eventsMax`
 * events and `bytesMax` of text; the oldest go first. Knows for each partition from which offset on it holds
 * every event, and so whether a reader's place is still good.
 */
export class EventLog {
  readonly #eventsMax: number
  readonly #bytesMax: number
  #events = new Map<number, LoggedEvent>()
  #first = 0
  #end = 0
  #bytes = 0
  /** From this offset on every event of the partition is in here. */
  readonly #heldFrom: Position = new Map()
  readonly #position: Position = new Map()
  /** The parts of its text: with each event one of them changes. */
  readonly #positionTexts = new Map<number, string>()
  #positionText = ''

  constructor(eventsMax: number, bytesMax: number) {
    this.#eventsMax = eventsMax
    this.#bytesMax = bytesMax
  }

  /** Number of the oldest event held, and of the one that comes next. */
  get first(): number {
    return this.#first
  }
  get end(): number {
    return this.#end
  }
  get position(): Position {
    return this.#position
  }
  get positionText(): string {
    return this.#positionText
  }

  at(number: number): LoggedEvent | undefined {
    return this.#events.get(number)
  }

  /** Says that a partition's events are held from this offset on. */
  open(partition: number, offset: bigint): void {
    this.#heldFrom.set(partition, offset)
    this.passTo(partition, offset)
  }

  append(event: Omit<LoggedEvent, 'after'>): void {
    this.passTo(event.partition, event.offset + 1n)
    this.#events.set(this.#end++, { ...event, after: this.#positionText })
    this.#bytes += event.text.length
    while (
      this.#end - this.#first > this.#eventsMax ||
      (this.#bytes > this.#bytesMax && this.#end - this.#first > 1)
    ) {
      this.#dropFirst()
    }
  }

  /** Moves a partition on over messages that are no events. */
  passTo(partition: number, next: bigint): void {
    if (next <= (this.#position.get(partition) ?? -1n)) return
    advance(this.#position, partition, next)
    this.#positionTexts.set(partition, formatNext(partition, next))
    this.#positionText = [...this.#positionTexts.values()].join()
  }

  /**
   * Where a reader at `place` goes on. It may be ahead of this log, by what another gateway was quicker to read.
   * Walks back only as far as the reader is behind.
   */
  find(place: Position): Place {
    for (const partition of place.keys()) if (!this.#position.has(partition)) return { kind: 'gone' }
    const behind = new Set<number>()
    for (const [partition, heldFrom] of this.#heldFrom) {
      const next = place.get(partition) ?? 0n
      if (next < heldFrom) return { kind: 'gone' }
      if (next < (this.#position.get(partition) ?? 0n)) behind.add(partition)
    }
    let from = this.#end
    for (let number = this.#end - 1; number >= this.#first && behind.size > 0; number--) {
      const { partition, offset } = this.#events.get(number) as LoggedEvent
      if (!behind.has(partition)) continue
      if (offset < (place.get(partition) ?? 0n)) behind.delete(partition)
      else from = number
    }
    return { kind: 'held', from }
  }

  /** The place of a reader that has everything up to event `number`, without it. */
  placeBefore(number: number): string {
    if (number >= this.#end) return this.#positionText
    return this.#events.get(number - 1)?.after ?? formatPosition(this.#heldFrom)
  }

  #dropFirst(): void {
    const event = this.#events.get(this.#first)
    this.#events.delete(this.#first++)
    if (!event) return
    this.#bytes -= event.text.length
    advance(this.#heldFrom, event.partition, event.offset + 1n)
  }
}
