import { setTimeout as sleep } from 'node:timers/promises'

export type OrderEvent = { order_id: string; user_id: number; status: string }

const reconnectMs = 250
const failuresMax = 240

/**
 * Follows GET /orders/events until the signal is aborted, and comes back with the last id where it broke off.
 * `onResync` is called when events may have been missed. Resolves when first connected.
 */
export async function followOrders(
  gatewayUrl: string,
  signal: AbortSignal,
  onEvent: (event: OrderEvent) => void,
  onResync: () => void,
): Promise<void> {
  let lastId: string | undefined
  const connect = () =>
    fetch(`${gatewayUrl}/orders/events`, { signal, headers: lastId ? { 'last-event-id': lastId } : {} })

  async function readOnce(response: Response): Promise<void> {
    if (!response.ok || !response.body) throw new Error(`GET /orders/events answered ${response.status}.`)
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) take(block)
    }
  }

  function take(block: string): void {
    const { id, event, data } = parseBlock(block)
    if (id !== undefined) lastId = id
    if (event === 'resync') onResync()
    else if (event === 'order' && data) onEvent(JSON.parse(data))
  }

  async function runFrom(first: Response): Promise<void> {
    let response: Response | undefined = first
    for (let failures = 0; !signal.aborted && failures < failuresMax; ) {
      try {
        response ??= await connect()
        await readOnce(response)
        failures = 0
      } catch {
        failures++
      }
      response = undefined
      await sleep(reconnectMs, undefined, { signal }).catch(() => undefined)
    }
  }

  const first = await connect()
  void runFrom(first)
}

export function parseBlock(block: string): { id?: string; event?: string; data?: string } {
  const fields: Record<string, string> = {}
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, '')
  }
  return fields
}
