import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Backoff, backoffMs } from './backoff.ts'
import { DamagedBatchError } from './decode-record-batch.ts'
import type { KafkaSettings } from './kafka-settings.ts'
import { cutOff, expectAnyThere, isError, openConsumer, partitionsLookMs } from './platformatic-client.ts'
import { byLeader, fetchFrom, forgetLog, hasLeader, type Place, rangesOf } from './platformatic-reader.ts'
import type { Following, Subscriber } from './transport.ts'

const again: Backoff = { firstMs: 500, maxMs: 5_000 }

/** Reads beside any group: it joins none. */
export async function follow(
  settings: KafkaSettings,
  { topic, begin, onBatch }: Following,
): Promise<Subscriber> {
  const { log } = settings
  const consumer = openConsumer(settings, `follow-${randomUUID()}`, [topic])
  const closing = new AbortController()
  let running = true

  /** One for each partition that there is now. */
  async function allPlaces(): Promise<Place[]> {
    const found = await consumer.metadata({ topics: [topic], forceUpdate: true })
    expectAnyThere([topic], found)
    return found.topics.get(topic)!.partitions.map((_, partition) => ({ topic, partition, next: 0n }))
  }
  /** Answers whether there were any. They are read from their beginning: all in them came since we looked last. */
  async function addNewPartitions(places: Place[]): Promise<boolean> {
    const added = (await allPlaces()).slice(places.length)
    places.push(...added)
    return added.length > 0
  }
  async function firstPlaces(): Promise<Place[]> {
    const found = [...(await rangesOf(consumer, await allPlaces()))]
    const next = begin(found.map(([{ partition }, range]) => ({ partition, ...range })))
    return found.map(([place]) => ({ ...place, next: next.get(place.partition)! }))
  }
  /** A place that is no longer in the topic means that the topic is another: it is read from its beginning. */
  async function backInRange(places: Place[]): Promise<void> {
    for (const [place, { first, end }] of await rangesOf(consumer, places.filter(hasLeader))) {
      if (place.next < first || place.next > end) place.next = first
      delete place.leaderEpoch
    }
  }

  async function read(places: Place[]): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      try {
        let isOver = false
        let lookAt = performance.now() + partitionsLookMs
        const loops = (await byLeader(consumer, places, log)).map(async led => {
          try {
            while (!isOver) {
              const { fetched, cutBack, damage } = await fetchFrom(consumer, led)
              if (closing.signal.aborted) return
              for (const [place, to] of cutBack) {
                forgetLog(place, place.next, to, log)
                place.next = to
              }
              for (const { place, messages, next, leaderEpoch } of fetched) {
                Object.assign(place, { next, leaderEpoch })
                onBatch(place.partition, messages, next)
              }
              if (damage) throw damage
              running = true
              failures = 0
              if (performance.now() < lookAt) continue
              lookAt = performance.now() + partitionsLookMs
              // Who leads them is asked anew.
              if ((await addNewPartitions(places)) || !places.every(hasLeader)) return
            }
          } finally {
            isOver = true
          }
        })
        await Promise.allSettled(loops)
        await Promise.all(loops)
      } catch (err) {
        if (closing.signal.aborted) return
        running = false
        if (err instanceof DamagedBatchError) log.error({ err, topic }, 'a partition cannot be read on')
        else log.warn({ err, topic }, 'following lost its broker; it goes on by itself')
        if (isError(err, 'OFFSET_OUT_OF_RANGE')) await backInRange(places).catch(() => undefined)
      }
      const waitMs = backoffMs(again, failures, Math.random())
      await sleep(waitMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  try {
    void read(await firstPlaces())
  } catch (error) {
    cutOff(consumer)
    throw error
  }
  return {
    isRunning: () => running,
    async close() {
      closing.abort()
      running = false
      cutOff(consumer)
    },
  }
}
