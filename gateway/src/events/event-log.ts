import { advance, formatNext, formatPosition, type Position } from './position.ts'
import { TextRing } from './text-ring.ts'

export type LoggedEvent = { partition: number; offset: bigint; userId: number; stampedMs: number }

/** Where a reader goes on. */
export type Found =
  /** Go on with event number `from`. */
  | { kind: 'held'; from: number }
  /** Some event after that place is no longer held, or the topic never had it. */
  | { kind: 'gone' }

/** Room for what came since a reader was last moved on, also where each turn brings a page. */
const latestMaxDefault = 256

/**
 * The last events of all partitions in the order in which they came in here, numbered. Holds at most `eventsMax`
 * events and `bytesMax` of text and places; the oldest go first. Knows for each partition from which offset on it holds
 * every event, and so whether a reader's place is still good. An event is no object in here: sixteen thousand of them were
 * a sixth of the gateway's live heap.
 */
export class EventLog {
  readonly #eventsMax: number
  readonly #bytesMax: number
  #first = 0
  #end = 0
  /** Of event number n at n % eventsMax. */
  readonly #partitions: Int32Array
  readonly #offsets: BigInt64Array
  readonly #userIds: Float64Array
  readonly #stampedMs: Float64Array
  /** Where the log's position with this event in it begins, and behind that its text. */
  readonly #places: Float64Array
  readonly #texts: Float64Array
  readonly #ring = new TextRing()
  /** Of event number n at n % latestMax, as they came: most readers are here, and nothing is decoded for each of them. */
  readonly #latest: { place: string; text: string }[] = []
  readonly #latestMax: number
  /** From this offset on every event of the partition is in here. */
  readonly #heldFrom: Position = new Map()
  readonly #position: Position = new Map()
  /** The parts of its text: with each event one of them changes. */
  readonly #positionTexts = new Map<number, string>()
  #positionText = ''

  constructor(eventsMax: number, bytesMax: number, latestMax = latestMaxDefault) {
    this.#eventsMax = eventsMax
    this.#bytesMax = bytesMax
    this.#latestMax = latestMax
    this.#partitions = new Int32Array(eventsMax)
    this.#offsets = new BigInt64Array(eventsMax)
    this.#userIds = new Float64Array(eventsMax)
    this.#stampedMs = new Float64Array(eventsMax)
    this.#places = new Float64Array(eventsMax)
    this.#texts = new Float64Array(eventsMax)
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

  /** Undefined for one that is not held. */
  at(number: number): LoggedEvent | undefined {
    if (!this.#holds(number)) return undefined
    const slot = number % this.#eventsMax
    return {
      partition: this.#partitions[slot]!,
      offset: this.#offsets[slot]!,
      userId: this.#userIds[slot]!,
      stampedMs: this.#stampedMs[slot]!,
    }
  }

  /** Of an event that is held. */
  textOf(number: number): string {
    const text = this.#texts[number % this.#eventsMax]!
    return this.#latestOf(number)?.text ?? this.#ring.read(text, this.#placeFrom(number + 1))
  }

  /** Says that a partition's events are held from this offset on. */
  open(partition: number, offset: bigint): void {
    this.#heldFrom.set(partition, offset)
    this.passTo(partition, offset)
  }

  append({ partition, offset, userId, stampedMs }: LoggedEvent, text: string): void {
    this.passTo(partition, offset + 1n)
    const place = this.#positionText
    const bytes = Buffer.from(place + text)
    while (this.#end > this.#first && !this.#hasRoom(bytes.length)) this.#dropFirst()
    const number = this.#end++
    const slot = number % this.#eventsMax
    this.#partitions[slot] = partition
    this.#offsets[slot] = offset
    this.#userIds[slot] = userId
    this.#stampedMs[slot] = stampedMs
    this.#places[slot] = this.#ring.end
    this.#texts[slot] = this.#ring.end + place.length
    this.#ring.append(bytes)
    this.#latest[number % this.#latestMax] = { place, text }
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
  find(place: Position): Found {
    for (const partition of place.keys()) if (!this.#position.has(partition)) return { kind: 'gone' }
    const behind = new Set<number>()
    for (const [partition, heldFrom] of this.#heldFrom) {
      const next = place.get(partition) ?? 0n
      if (next < heldFrom) return { kind: 'gone' }
      if (next < (this.#position.get(partition) ?? 0n)) behind.add(partition)
    }
    let from = this.#end
    for (let number = this.#end - 1; number >= this.#first && behind.size > 0; number--) {
      const { partition, offset } = this.at(number) as LoggedEvent
      if (!behind.has(partition)) continue
      if (offset < (place.get(partition) ?? 0n)) behind.delete(partition)
      else from = number
    }
    return { kind: 'held', from }
  }

  /** The place of a reader that has everything up to event `number`, without it. */
  placeBefore(number: number): string {
    if (number >= this.#end) return this.#positionText
    if (!this.#holds(number - 1)) return formatPosition(this.#heldFrom)
    const slot = (number - 1) % this.#eventsMax
    return this.#latestOf(number - 1)?.place ?? this.#ring.read(this.#places[slot]!, this.#texts[slot]!)
  }

  #hasRoom(bytes: number): boolean {
    return this.#end - this.#first < this.#eventsMax && this.#ring.bytes + bytes <= this.#bytesMax
  }

  #holds(number: number): boolean {
    return number >= this.#first && number < this.#end
  }

  #latestOf(number: number): { place: string; text: string } | undefined {
    return number >= this.#end - this.#latestMax ? this.#latest[number % this.#latestMax] : undefined
  }

  #placeFrom(number: number): number {
    return number < this.#end ? this.#places[number % this.#eventsMax]! : this.#ring.end
  }

  #dropFirst(): void {
    const { partition, offset } = this.at(this.#first) as LoggedEvent
    this.#first++
    this.#ring.dropBefore(this.#placeFrom(this.#first))
    advance(this.#heldFrom, partition, offset + 1n)
  }
}
