import { createHash } from 'node:crypto'

/** What of a message has to fit into PostgreSQL, whichever client read it. */

/** Keys are indexed where they wait, and an index entry of PostgreSQL has room for 2,704 bytes. */
const keyBytesMax = 1_000

/** PostgreSQL stores no NUL, so none comes further than here. */
export const text = (bytes: Buffer | string) => withoutNul(bytes.toString())
/** Looked for first, since replacing takes four times as long also where there is none. */
export const withoutNul = (read: string) => (read.includes('\0') ? read.replaceAll('\0', '\ufffd') : read)

export function boundedKey(key: string): string {
  // A character has at most three bytes here: two such make one of four.
  if (key.length * 3 <= keyBytesMax || Buffer.byteLength(key) <= keyBytesMax) return key
  const start = Buffer.from(key)
    .subarray(0, keyBytesMax / 2)
    .toString()
  return `${start}… sha256:${createHash('sha256').update(key).digest('hex')}`
}

/** Producers may stamp anything, such as microseconds: what is no time that can be stored becomes the nearest one. */
export const toTime = (ms: number) => new Date(Math.min(Math.max(ms, 0), timeMax) || 0)
const timeMax = Date.UTC(9999, 0)
