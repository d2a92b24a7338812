import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer } from '@platformatic/kafka'
import { type Backoff, backoffMs } from './backoff.ts'
import { DamagedBatchError } from './decode-record-batch.ts'
import { fetchBytesMax } from './kafka-settings.ts'
import type { Log } from './log.ts'
import { isError, partitionsLookMs } from './platformatic-client.ts'
import {
  byLeader,
  type Fetched,
  fetchFrom,
  forgetLog,
  hasLeader,
  type Led,
  type Place,
  rangesOf,
} from './platformatic-reader.ts'
import type { Subscription } from './transport.ts'

const again: Backoff = { firstMs: 100, maxMs: 3_000 }
/** A broker that starts again is not worth a word. What lasts is told once a minute. */
const quietFailuresMax = 4
const failuresTold = 25

/** `next` is where fetching is, `handled` where handling is: -1 where it has not begun, and begins with the oldest. */
export type OwnedPlace = Place & { handled: bigint }

type Settings = Pick<Subscription, 'onBatch' | 'batchSizeMax'> & {
  consumer: Consumer
  places: OwnedPlace[]
  onHandled(place: OwnedPlace): void
  log: Log
}

/**
 * Partitions from one rebalance to the next. What is fetched while a call of the handler runs waits for its end and is
 * handed over together; nothing more is fetched while a whole call's worth waits.
 */
export class Membership {
  readonly #settings: Settings
  readonly #ending = new AbortController()
  #waiting: Fetched<OwnedPlace>[] = []
  #isHandling = false
  #handled = Promise.resolve()
  /** Counts how often what had been fetched was thrown away. */
  #round = 0
  #room = Promise.withResolvers<void>()

  constructor(settings: Settings) {
    this.#settings = settings
    void this.#fetchAll()
  }

  /** Aborts the call in hand and waits for it. Nothing is handled any more. */
  async end(): Promise<void> {
    this.#ending.abort()
    this.#room.resolve()
    await this.#handled
  }

  async #fetchAll(): Promise<void> {
    const { consumer, places, log } = this.#settings
    const { signal } = this.#ending
    if (places.length === 0) return
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const leaders = await byLeader(consumer, places, log)
        const waits = !places.every(hasLeader)
        const lookAt = waits ? performance.now() + partitionsLookMs : Number.POSITIVE_INFINITY
        let isOver = false
        const loops = leaders.map(async led => {
          try {
            await this.#begin(led.places)
            for (; !isOver && !signal.aborted && performance.now() < lookAt; failures = 0)
              await this.#fetchOnce(led)
          } finally {
            isOver = true
          }
        })
        // Two may not read the same places.
        await Promise.allSettled(loops)
        await Promise.all(loops)
      } catch (err) {
        if (signal.aborted) return
        if (err instanceof DamagedBatchError) log.error({ err }, 'a partition cannot be read on')
        else if (failures % failuresTold === quietFailuresMax)
          log.warn({ err }, 'nothing can be fetched; it goes on by itself')
        else log.debug({ err }, 'nothing fetched; trying again')
        if (isError(err, 'OFFSET_OUT_OF_RANGE')) await this.#comeBackInRange().catch(() => undefined)
      }
      await this.#pause(failures)
    }
  }

  async #begin(places: OwnedPlace[]): Promise<void> {
    const beginning = places.filter(place => !hasBegun(place))
    for (const [place, { first }] of await rangesOf(this.#settings.consumer, beginning)) {
      place.handled = first
      place.next = first
    }
  }

  async #fetchOnce(led: Led<OwnedPlace>): Promise<void> {
    const { consumer } = this.#settings
    const round = this.#round
    const { fetched, cutBack, damage } = await fetchFrom(consumer, led)
    if (this.#ending.signal.aborted || round !== this.#round) return
    if (cutBack.size > 0) return this.#goBack(cutBack)
    for (const { place, next, leaderEpoch } of fetched) Object.assign(place, { next, leaderEpoch })
    this.#waiting.push(...fetched)
    if (!this.#isHandling) this.#handled = this.#handleAll()
    if (this.#isFull()) await this.#room.promise
    if (damage) throw damage
  }

  #isFull(): boolean {
    let count = 0
    let bytes = 0
    for (const { messages } of this.#waiting) {
      count += messages.length
      for (const { value } of messages) bytes += value?.length ?? 0
    }
    return count >= this.#settings.batchSizeMax || bytes >= fetchBytesMax
  }

  async #handleAll(): Promise<void> {
    const { onBatch, onHandled, batchSizeMax, log } = this.#settings
    const { signal } = this.#ending
    this.#isHandling = true
    for (let failures = 0; this.#waiting.length > 0 && !signal.aborted; ) {
      const round = this.#round
      const taken = take(this.#waiting, batchSizeMax)
      this.#room.resolve()
      this.#room = Promise.withResolvers()
      try {
        const messages = taken.flatMap(({ messages }) => messages)
        if (messages.length > 0) await onBatch(messages, signal)
        failures = 0
        // Places that were moved meanwhile stay there; what is fetched again is known already.
        if (round !== this.#round) continue
        for (const { place, next } of taken) {
          place.handled = next
          if (!place.isTopicGone) onHandled(place)
        }
      } catch (err) {
        log.debug({ err }, 'batch not handled; it comes again')
        await this.#pause(failures++)
        this.#throwAway()
      }
    }
    // In the turn that found nothing waiting: what comes from now on begins again.
    this.#isHandling = false
  }

  #throwAway(): void {
    this.#round++
    this.#waiting = []
    this.#room.resolve()
    this.#room = Promise.withResolvers()
    for (const place of this.#settings.places) {
      place.next = place.handled
      delete place.leaderEpoch
    }
  }

  /** A topic was made again, or brokers lost the end of a log: what they have there now was never here. */
  #goBack(cutBack: Map<OwnedPlace, bigint>): void {
    const { onHandled, log } = this.#settings
    for (const [place, to] of cutBack) {
      forgetLog(place, place.handled, to, log)
      // What was fetched and not handled is thrown away below.
      if (to < place.handled) place.handled = to
      onHandled(place)
    }
    this.#throwAway()
  }

  /** What was not handled yet has expired, or the log ends before it. */
  async #comeBackInRange(): Promise<void> {
    const { consumer, places, log } = this.#settings
    const begun = places.filter(place => hasLeader(place) && hasBegun(place))
    for (const [place, { first, end }] of await rangesOf(consumer, begun)) {
      const { topic, partition, handled } = place
      const details = { topic, partition, from: String(handled), to: String(first) }
      if (handled < first)
        log.error(
          details,
          'messages have expired before they were handled: publish them again, and let the topic keep them longer',
        )
      else if (handled > end) log.warn(details, 'a partition ends before what was handled; it is read again')
      else continue
      place.handled = first
    }
    this.#throwAway()
  }

  async #pause(failures: number): Promise<void> {
    const waitMs = backoffMs(again, failures, Math.random())
    await sleep(waitMs, undefined, { signal: this.#ending.signal }).catch(() => undefined)
  }
}

const hasBegun = ({ handled }: OwnedPlace): boolean => handled >= 0n

/** Off the front, at most so many messages; of a partition that has more, its first. */
function take(waiting: Fetched<OwnedPlace>[], sizeMax: number): Fetched<OwnedPlace>[] {
  const taken: Fetched<OwnedPlace>[] = []
  let room = sizeMax
  while (waiting.length > 0) {
    const first = waiting[0]!
    if (first.messages.length > room) {
      if (room === 0) break
      const messages = first.messages.splice(0, room)
      taken.push({ ...first, messages, next: messages.at(-1)!.offset + 1n })
      break
    }
    room -= first.messages.length
    taken.push(waiting.shift()!)
  }
  return taken
}
