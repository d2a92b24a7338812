import type { ServerResponse } from 'node:http'
import { Writable } from 'node:stream'
import type { IncomingMessage } from 'messaging/transport'

export type Received = { id?: string; event?: string; data?: string }

/** What a browser's EventSource does with the text: blocks of fields, the last id kept whether or not it has data. */
export class Reader extends Writable {
  readonly received: Received[] = []
  lastId: string | undefined
  #rest = ''
  #held: (() => void) | undefined
  isStalled = false

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#rest += chunk
    const blocks = this.#rest.split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) this.#take(block)
    if (this.isStalled) this.#held = done
    else done()
  }

  goOn(): void {
    this.isStalled = false
    this.#held?.()
  }

  get response(): ServerResponse {
    return this as unknown as ServerResponse
  }

  get orders(): string[] {
    return this.received
      .filter(({ event }) => event === 'order')
      .map(({ data = '' }) => JSON.parse(data).order_id)
  }

  get resyncs(): number {
    return this.received.filter(({ event }) => event === 'resync').length
  }

  #take(block: string): void {
    const fields: Record<string, string> = {}
    for (const line of block.split('\n')) {
      const colon = line.indexOf(': ')
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2)
    }
    if (fields.id) this.lastId = fields.id
    if (fields.data !== undefined) this.received.push(fields)
  }
}

export function orderMessage(
  partition: number,
  offset: number,
  orderId: string,
  userId = 1,
): IncomingMessage {
  const payload = {
    order_id: orderId,
    user_id: userId,
    amount: 10.5,
    status: 'FINISHED',
    timestamp: '2026-01-01T00:00:00Z',
  }
  return {
    topic: 'order_status_updates',
    partition,
    offset: BigInt(offset),
    key: String(userId),
    value: Buffer.from(JSON.stringify(payload)),
    headers: { ce_id: `event-${orderId}` },
    timestamp: new Date(),
  }
}
