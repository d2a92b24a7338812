/**
 * A place in the events of all partitions: for each one the offset that comes next. Every gateway understands
 * it, also after a restart, since it speaks of the topic and not of a connection.
 */
export type Position = Map<number, bigint>

/** '0:15,3:7': partition 0 goes on at offset 15, partition 3 at 7; one that is not named at its beginning. */
const form = /^\d{1,5}:\d{1,18}(,\d{1,5}:\d{1,18})*$/
/** Room for 170 partitions with offsets as large as they get. */
const textMax = 4_096

export const formatPosition = (position: Position): string =>
  Array.from(position, ([partition, next]) => formatNext(partition, next)).join()

export const formatNext = (partition: number, next: bigint): string => `${partition}:${next}`

/** Undefined for what formatPosition cannot have written. */
export function parsePosition(text: string): Position | undefined {
  if (text.length > textMax || !form.test(text)) return undefined
  const position: Position = new Map()
  for (const part of text.split(',')) {
    const [partition = '', next = ''] = part.split(':')
    if (position.has(Number(partition))) return undefined
    position.set(Number(partition), BigInt(next))
  }
  return position
}

/** Moves one partition on to `next`; never back. */
export function advance(position: Position, partition: number, next: bigint): void {
  if ((position.get(partition) ?? -1n) < next) position.set(partition, next)
}

/** Whether `a` has seen all that `b` has. */
export const reaches = (a: Position, b: Position): boolean =>
  [...b].every(([partition, next]) => (a.get(partition) ?? 0n) >= next)
