import { setImmediate as endOfTurn } from 'node:timers/promises'
import { type Broker, type Consumer, ListOffsetTimestamps, type Offsets } from '@platformatic/kafka'
import { decodeRecordBatches } from './decode-record-batch.ts'
import type { Log } from './log.ts'
import { expectAnyThere, isThere } from './platformatic-client.ts'
import { fetchRecords } from './platformatic-fetch.ts'
import type { IncomingMessage } from './transport.ts'

/** A partition, and the offset that is fetched next. */
export type Place = {
  topic: string
  partition: number
  next: bigint
  /** Of the topic that `next` counts in: one that is made again by the same name has another. */
  topicId?: string
  /** Of the message before `next`, by which a broker can tell that it has lost it. */
  leaderEpoch?: number | undefined
  /** It waits for one, and is not read. */
  isWithoutLeader?: boolean
  /** It was deleted. What was handled of it says nothing of the one that is made next by its name. */
  isTopicGone?: boolean
}
/** What is asked of one broker until the places are divided anew, which any error of a fetch brings about. */
export type Led<P extends Place> = { broker: Broker; places: P[]; topicIdOf(place: P): string }
/** What a fetch brought of one partition; `next` is the offset after it. */
export type Fetched<P extends Place> = {
  place: P
  messages: IncomingMessage[]
  next: bigint
  leaderEpoch: number | undefined
}
export type FetchOutcome<P extends Place> = {
  fetched: Fetched<P>[]
  /** Places whose log is another than the one they were counted in, and the offset to which it is the same. */
  cutBack: Map<P, bigint>
  /** Keeps a place where it is; the others go on, and the caller waits before it asks again. */
  damage: Error | undefined
}

/**
 * The places by the broker that leads them: each broker is asked apart. Those without a leader are told, and left out, and
 * so are those of a topic that is gone. Rejects where all of the consumer's topics are.
 */
export async function byLeader<P extends Place>(
  consumer: Consumer,
  places: P[],
  log: Log,
): Promise<Led<P>[]> {
  const asked = [...consumer.topics.current]
  const found = await consumer.metadata({ topics: asked, forceUpdate: true })
  const { topics, brokers } = found
  const leaderOf = ({ topic, partition }: P) =>
    brokers.get(topics.get(topic)?.partitions[partition]?.leader ?? -1)
  const topicIdOf = ({ topic }: P) => topics.get(topic)!.id
  for (const place of places)
    noteLeader(place, leaderOf(place) !== undefined, isThere(place.topic, found), log)
  expectAnyThere(asked, found)
  const led = Map.groupBy(places.filter(hasLeader), place => leaderOf(place)!)
  return [...led].map(([broker, places]) => ({ broker, places, topicIdOf }))
}

/** As the metadata had it last. */
export const hasLeader = ({ isWithoutLeader }: Place): boolean => !isWithoutLeader

/** That a topic is gone tells who joins for it, once for all partitions. */
function noteLeader(place: Place, isLed: boolean, isTopicThere: boolean, log: Log): void {
  const { topic, partition } = place
  if (!isLed && isTopicThere && hasLeader(place))
    log.warn({ topic, partition }, 'a partition has no leader: it waits for one, and the others are read on')
  if (isLed && !hasLeader(place)) log.info({ topic, partition }, 'a partition is led again, and read on')
  place.isWithoutLeader = !isLed
  if (isLed || !isTopicThere) place.isTopicGone = !isTopicThere
}

/**
 * Reads on from each place, all led by one broker. Does not move them, but orders them: an answer holds so much, and who
 * is asked for first fills it, so what brought nothing comes first the next time.
 */
export async function fetchFrom<P extends Place>(
  consumer: Consumer,
  { broker, places, topicIdOf }: Led<P>,
): Promise<FetchOutcome<P>> {
  // To ask takes half a millisecond where orders come one by one: what the last answer brought leaves first.
  await endOfTurn()
  for (const place of places) place.topicId ??= topicIdOf(place)
  const remade = places.filter(place => place.topicId !== topicIdOf(place))
  if (remade.length > 0)
    return { fetched: [], cutBack: new Map(remade.map(place => [place, 0n])), damage: undefined }
  const connection = await consumer.connections.get(broker)
  const answered = await fetchRecords(
    connection,
    places.map(place => ({ ...place, topicId: topicIdOf(place) })),
  )
  let damage: Error | undefined
  const cutBack = new Map<P, bigint>()
  const fetched = answered.flatMap(({ topicId, partition, records, aborted, divergedAt }) => {
    const place = places.find(of => of.partition === partition && topicIdOf(of) === topicId)
    if (!place) return []
    if (divergedAt !== undefined) cutBack.set(place, divergedAt)
    const { messages, next, leaderEpoch, ...rest } = decodeRecordBatches(place, records, aborted)
    damage ??= rest.damage
    return next === place.next ? [] : [{ place, messages, next, leaderEpoch }]
  })
  const brought = new Set(fetched.map(({ place }) => place))
  places.sort((a, b) => Number(brought.has(a)) - Number(brought.has(b)))
  return { fetched, cutBack, damage }
}

/** Of a place that was cut back: what it knew of the log that it was counted in holds no more. */
export function forgetLog(place: Place, from: bigint, to: bigint, log: Log): void {
  const { topic, partition } = place
  const details = { topic, partition, from: String(from), to: String(to) }
  log.warn(details, 'the log of a partition is another than it was; it is read again from where it differs')
  delete place.topicId
  delete place.leaderEpoch
}

/** Of each place its partition's oldest offset, and the one that the next message gets. */
export async function rangesOf<P extends Place>(
  consumer: Consumer,
  places: P[],
): Promise<Map<P, { first: bigint; end: bigint }>> {
  const byTopic = Map.groupBy(places, ({ topic }) => topic)
  const topics = [...byTopic.keys()]
  if (topics.length === 0) return new Map()
  const partitions = Object.fromEntries(
    [...byTopic].map(([topic, of]) => [topic, of.map(({ partition }) => partition)]),
  )
  const [first, end] = await Promise.all(
    [ListOffsetTimestamps.EARLIEST, ListOffsetTimestamps.LATEST].map(timestamp =>
      consumer.listOffsets({ topics, partitions, timestamp }),
    ),
  )
  return new Map(
    places.map(place => {
      const of = (offsets: Offsets | undefined) => offsets!.get(place.topic)![place.partition]!
      return [place, { first: of(first), end: of(end) }]
    }),
  )
}
