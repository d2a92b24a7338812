import { decodeRecords } from './decode-records.ts'
import type { Place } from './platformatic-reader.ts'
import { checksumOf, headBytes } from './record-batch.ts'
import type { IncomingMessage } from './transport.ts'

/** A transaction that was given up, and its first offset in the partition. */
export type Aborted = { producerId: bigint; firstOffset: bigint }

/** Offset and length, which the length does not count. */
const lengthEnd = 12
const isTransactional = 1 << 4
/** Marks of transactions, which are no messages. */
const isControl = 1 << 5

/**
 * The messages from the place on, and the offset after all that was there, read from one buffer in which the values
 * stay: the client makes some sixteen for each message. A last batch that is cut short counts as not there. One that is
 * not what its producer sent is told as `damage`, as Kafka's own consumer throws it, with what stands before it.
 */
export function decodeRecordBatches(place: Place, records: Buffer, aborted: Aborted[] = []): Decoded {
  const messages: IncomingMessage[] = []
  const isGivenUp = transactionsIn(aborted)
  let { next, leaderEpoch } = place
  let whole = 0
  try {
    for (let begin = 0; ; ) {
      const batch = batchAt(records, begin)
      if (!batch) return { messages, next, leaderEpoch }
      ensureIntact(batch)
      const last = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23))
      const isSkipped = isGivenUp(batch, last)
      if (!isSkipped && !(batch.readInt16BE(21) & isControl)) decodeRecords(place, batch, messages)
      next = last + 1n
      leaderEpoch = batch.readInt32BE(12)
      whole = messages.length
      begin += batch.length
    }
  } catch (cause) {
    return {
      messages: messages.slice(0, whole),
      next,
      leaderEpoch,
      damage: new DamagedBatchError(
        `Cannot read on from offset ${next} of partition ${place.partition} of ${place.topic}: ` +
          `its record batch ${(cause as Error).message}. It is fetched again. If it stays so, the broker's copy is damaged: ` +
          'have another replica lead the partition, or set the offset of the group past the batch, whose messages are lost.',
        { cause },
      ),
    }
  }
}

export class DamagedBatchError extends Error {
  override name = 'DamagedBatchError'
}

type Decoded = {
  messages: IncomingMessage[]
  next: bigint
  leaderEpoch: number | undefined
  damage?: DamagedBatchError
}

function batchAt(records: Buffer, begin: number): Buffer | undefined {
  if (records.length - begin < lengthEnd) return
  const bytes = lengthEnd + records.readInt32BE(begin + 8)
  if (bytes < headBytes)
    throw new Error(`says that it has ${bytes} bytes, and its head alone has ${headBytes}`)
  if (bytes <= records.length - begin) return records.subarray(begin, begin + bytes)
}

function ensureIntact(batch: Buffer): void {
  const version = batch.readInt8(16)
  if (version !== 2)
    throw new Error(`is of version ${version}, and only 2 can be read (Kafka 0.11 and later)`)
  const told = batch.readUInt32BE(17)
  const found = checksumOf(batch.subarray(21))
  if (found !== told) throw new Error(`has the checksum ${found}, and ${told} is what its producer told`)
}

/**
 * Tells of one batch after the other whether its transaction was given up (Apache Kafka, CompletedFetch): from the
 * offset that the broker names to the mark that ends it.
 */
function transactionsIn(aborted: Aborted[]): (batch: Buffer, last: bigint) => boolean {
  if (aborted.length === 0) return () => false
  const left = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const givenUp = new Set<bigint>()
  return (batch, last) => {
    while (left.length > 0 && left[0]!.firstOffset <= last) givenUp.add(left.shift()!.producerId)
    const attributes = batch.readInt16BE(21)
    const producerId = batch.readBigInt64BE(43)
    if (attributes & isControl) givenUp.delete(producerId)
    return (attributes & isTransactional) !== 0 && givenUp.has(producerId)
  }
}
