import { Buffer } from 'node:buffer'
import type { FetchOutcome, Led, Place } from '../../messaging/src/platformatic-reader.ts'
import type { ModelConsumer } from './consumer-group.ts'

export const fetchBytesMax = Number.POSITIVE_INFINITY
const fetchedMax = 6

export const hasLeader = () => true

export const byLeader = async <P extends Place>(_: ModelConsumer, places: P[]) => [{ places }]

/** Anybody may read: the broker asks no reader for its group. */
export async function fetchFrom<P extends Place>(
  { kafka, instance, isClosed }: ModelConsumer,
  { places }: Pick<Led<P>, 'places'>,
): Promise<FetchOutcome<P>> {
  const fetched = await kafka.scheduler.call(instance, 'fetch', () =>
    places.flatMap(place => {
      const { topic, partition, next: from } = place
      const log = kafka.log(topic)[partition] ?? []
      const stored = log.slice(Number(from), Number(from) + kafka.scheduler.between(1, fetchedMax))
      const messages = stored.map(({ offset, value, ...message }) => ({
        ...message,
        topic,
        partition,
        offset: BigInt(offset),
        value: Buffer.from(value),
        timestamp: new Date(0),
      }))
      const next = from + BigInt(messages.length)
      return messages.length > 0 ? [{ place, messages, next, leaderEpoch: undefined }] : []
    }),
  )
  if (isClosed) throw new Error('closed')
  if (fetched.length === 0) await kafka.change()
  return { fetched, cutBack: new Map(), damage: undefined }
}

export async function rangesOf<P extends Place>({ kafka, instance }: ModelConsumer, places: P[]) {
  if (places.length === 0) return new Map()
  return kafka.scheduler.call(instance, 'find ranges', () => {
    const end = ({ topic, partition }: P) => BigInt(kafka.log(topic)[partition]?.length ?? 0)
    return new Map(places.map(place => [place, { first: 0n, end: end(place) }]))
  })
}

export const forgetLog = () => {
  throw new Error('no log is cut back here')
}
