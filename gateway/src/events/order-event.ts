import { parseJsonExactly } from 'edge/json'
import { eventIdOf } from 'messaging/envelope'
import type { IncomingMessage } from 'messaging/transport'

export type OrderEvent = {
  /** What repetitions are known by. */
  id: string
  userId: number
  /** The lines of the server-sent event, without its id. */
  text: string
}

/** Undefined for what is no status of an order: other programs may write to the topic too. Pure. */
export function readOrderEvent(message: IncomingMessage): OrderEvent | undefined {
  if (!message.value) return undefined
  try {
    const { order_id, user_id, status } = parseJsonExactly(message.value) as Record<string, unknown>
    if (typeof order_id !== 'string' || typeof status !== 'string' || !Number.isSafeInteger(user_id))
      return undefined
    return {
      id: eventIdOf(message) ?? `${order_id}/${status}`,
      userId: user_id as number,
      text: `event: order\ndata: ${oneLine(message.value)}\n\n`,
    }
  } catch {
    return undefined
  }
}

/** JSON has line breaks between its tokens only, where a space means the same. */
const oneLine = (json: Buffer) => json.toString().replace(/[\r\n]+/g, ' ')
