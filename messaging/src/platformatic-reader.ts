import { type Consumer, ListOffsetTimestamps, type Offsets } from '@platformatic/kafka'
import { fetchBytesMax, fetchPartitionBytesMax } from './kafka-settings.ts'
import { boundedKey, text, toTime } from './storable-message.ts'
import type { IncomingMessage } from './transport.ts'

/** How long the broker holds back an answer without messages. */
const fetchWaitMs = 500

/** A partition, and the offset that is fetched next. */
export type Place = { topic: string; partition: number; next: bigint }
/** What a fetch brought of one partition; `next` is the offset after it. */
export type Fetched<P extends Place> = { place: P; messages: IncomingMessage[]; next: bigint }

/** The places by the broker that leads them: each broker is asked apart. */
export async function byLeader<P extends Place>(consumer: Consumer, places: P[]): Promise<Map<number, P[]>> {
  const { topics } = await consumer.metadata({ topics: [...consumer.topics.current], forceUpdate: true })
  return Map.groupBy(places, ({ topic, partition }) => topics.get(topic)?.partitions[partition]?.leader ?? -1)
}

/** Reads on from each place, all led by one broker. Does not move them. */
export async function fetchFrom<P extends Place>(
  consumer: Consumer,
  node: number,
  places: P[],
): Promise<Fetched<P>[]> {
  const metadata = await consumer.metadata({ topics: [...consumer.topics.current] })
  const asked = Map.groupBy(places, ({ topic }) => metadata.topics.get(topic)!.id)
  const { responses } = await consumer.fetch({
    node,
    minBytes: 1,
    maxBytes: fetchBytesMax,
    maxWaitTime: fetchWaitMs,
    topics: [...asked].map(([topicId, of]) => ({
      topicId,
      partitions: of.map(({ partition, next }) => ({
        partition,
        fetchOffset: next,
        partitionMaxBytes: fetchPartitionBytesMax,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
      })),
    })),
  })
  return responses.flatMap(({ topicId, partitions }) =>
    partitions.flatMap(({ partitionIndex, records }) => {
      const place = asked.get(topicId)?.find(({ partition }) => partition === partitionIndex)
      const last = records?.at(-1)
      if (!place || !records || !last) return []
      const next = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n
      return [{ place, messages: records.flatMap(batch => toIncoming(place, batch)), next }]
    }),
  )
}

/** Marks of transactions, which are no messages. */
const isControl = 1 << 5

type Header = [Buffer | null | undefined, Buffer | null | undefined]
type RecordsBatch = {
  attributes: number
  firstOffset: bigint
  firstTimestamp: bigint
  records: {
    offsetDelta: number
    timestampDelta: bigint
    key: Buffer | null | undefined
    value: Buffer | null | undefined
    headers: Iterable<Header>
  }[]
}

function toIncoming(
  { topic, partition, next }: Place,
  { attributes, firstOffset, firstTimestamp, records }: RecordsBatch,
): IncomingMessage[] {
  if (attributes & isControl) return []
  const messages: IncomingMessage[] = []
  for (const { offsetDelta, timestampDelta, key, value, headers } of records) {
    const offset = firstOffset + BigInt(offsetDelta)
    // A broker answers with whole batches, and the first of them may begin before the place.
    if (offset < next) continue
    messages.push({
      topic,
      partition,
      offset,
      key: key ? boundedKey(text(key)) : null,
      value: value ?? null,
      headers: toHeaders(headers),
      timestamp: toTime(Number(firstTimestamp + timestampDelta)),
    })
  }
  return messages
}

/** Of a header that comes twice the first counts; one without a value counts as absent. */
function toHeaders(headers: Iterable<Header>): Record<string, string> {
  const read: Record<string, string> = {}
  for (const [name, value] of headers) if (name && value) read[name.toString()] ??= text(value)
  return read
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
