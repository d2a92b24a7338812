import type { OutgoingMessage } from './transport.ts'

/** Brokers take 1,048,588 bytes of one partition at once, unless they or the topic are set otherwise. */
const partBytesMax = 1_000_000
/** At most, of a record and of each of its headers beside what they hold. */
const recordBytes = 32
const headerBytes = 8

/**
 * Sends messages one part after the other, none larger than a broker takes by default, in the order given. A topic may
 * take less: a part that is refused as too large is sent in halves, down to the message at fault. What was stored of it
 * comes again then.
 */
export async function publishInParts(
  messages: OutgoingMessage[],
  send: (part: OutgoingMessage[]) => Promise<unknown>,
  isTooLarge: (error: unknown) => boolean,
): Promise<void> {
  for (const part of partsOf(messages)) await sendHalving(part)

  async function sendHalving(part: OutgoingMessage[]): Promise<void> {
    try {
      await send(part)
    } catch (error) {
      if (part.length === 1 || !isTooLarge(error)) throw error
      const half = Math.ceil(part.length / 2)
      await sendHalving(part.slice(0, half))
      await sendHalving(part.slice(half))
    }
  }
}

/** As few as there can be without changing the order. A message over the limit is a part by itself. Pure. */
export function partsOf(messages: OutgoingMessage[], bytesMax = partBytesMax): OutgoingMessage[][] {
  const parts: OutgoingMessage[][] = []
  let begin = 0
  let bytes = 0
  messages.forEach((message, index) => {
    const size = bytesOf(message)
    if (bytes + size > bytesMax && index > begin) {
      parts.push(messages.slice(begin, index))
      begin = index
      bytes = 0
    }
    bytes += size
  })
  if (begin < messages.length) parts.push(begin === 0 ? messages : messages.slice(begin))
  return parts
}

function bytesOf({ key, value, headers }: OutgoingMessage): number {
  let bytes = recordBytes + Buffer.byteLength(key ?? '') + Buffer.byteLength(value)
  for (const name in headers) {
    bytes += headerBytes + Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? '')
  }
  return bytes
}
