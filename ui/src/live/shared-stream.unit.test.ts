import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { anEvent } from '../orders/order.fixture.ts'
import type { StreamState } from './order-stream.ts'
import { runSharedStream } from './shared-stream.ts'

let server: Server
let url: string
let connections: { resumedFrom: string | undefined; response: ServerResponse }[]
const tabs: AbortController[] = []

beforeEach(async () => {
  connections = []
  server = createServer((request, response) => {
    response.write(': connected\n\n')
    connections.push({ resumedFrom: request.headers['last-event-id'] as string | undefined, response })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  for (const tab of tabs.splice(0)) tab.abort()
  server.closeAllConnections()
  server.close()
})

function openTab() {
  const events: string[] = []
  const states: StreamState['kind'][] = []
  const stop = new AbortController()
  tabs.push(stop)
  const running = runSharedStream(
    {
      url,
      onEvent: ({ order_id }) => void events.push(order_id),
      onState: ({ kind }) => void states.push(kind),
      onGap: () => undefined,
    },
    async () => undefined,
    stop.signal,
  )
  const close = () => {
    stop.abort()
    return running
  }
  return { events, states, close }
}

const send = (id: string) =>
  connections
    .at(-1)
    ?.response.write(`id: ${id}\nevent: order\ndata: ${JSON.stringify(anEvent({ order_id: id }))}\n\n`)

test('two tabs read one connection; when the one that reads closes, the other goes on where it was', async () => {
  const first = openTab()
  await vi.waitFor(() => expect(first.states.at(-1)).toBe('live'))
  const second = openTab()
  await vi.waitFor(() => expect(second.states.at(-1)).toBe('live'))
  send('a')
  await vi.waitFor(() => expect([first.events, second.events]).toEqual([['a'], ['a']]))
  expect(connections).toHaveLength(1)

  await first.close()
  await vi.waitFor(() => expect(connections).toHaveLength(2))
  expect(connections[1]?.resumedFrom).toBe('a')
  send('b')
  await vi.waitFor(() => expect(second.events).toEqual(['a', 'b']))
  expect(first.events).toEqual(['a'])
})
