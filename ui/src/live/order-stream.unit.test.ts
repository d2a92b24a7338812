import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { anEvent } from '../orders/order.fixture.ts'
import type { OrderEvent } from './order-event.ts'
import { readStreamOnce, runStream, type StreamState } from './order-stream.ts'

describe('the order stream', () => {
  let server: Server
  let url: string
  let asked: (string | undefined)[]
  let answer: (response: ServerResponse) => void
  let events: OrderEvent[]
  let states: StreamState['kind'][]
  let gaps: number
  const settings = () => ({
    url,
    onEvent: (event: OrderEvent) => void events.push(event),
    onState: (state: StreamState) => void states.push(state.kind),
    onGap: () => void gaps++,
  })

  beforeEach(async () => {
    asked = []
    events = []
    states = []
    gaps = 0
    server = createServer((request, response) => {
      asked.push(request.headers['last-event-id'] as string | undefined)
      answer(response)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  it('reads events cut anywhere, leaves odd ones out, and moves its place with each', async () => {
    const wire = [
      ': hello\n\n',
      `id: a-1\nevent: order\ndata: ${JSON.stringify(anEvent({ order_id: 'one' }))}\n\n`,
      'id: a-2\nevent: order\ndata: {"odd\n\n',
      `id: a-3\nevent: order\ndata: ${JSON.stringify(anEvent({ order_id: 'ü' }))}\n\n`,
    ].join('')
    answer = response => {
      response.setHeader('content-type', 'text/event-stream')
      for (const byte of Buffer.from(wire)) response.write(Buffer.from([byte]))
      response.end()
    }
    const place = { lastEventId: '' }
    expect(await readStreamOnce(settings(), place, new AbortController().signal)).toEqual({ opened: true })
    expect(events.map(({ order_id }) => order_id)).toEqual(['one', 'ü'])
    expect(place.lastEventId).toBe('a-3')
  })

  it('says that it is lost, comes back, resumes after the last event and asks for no refetch', async () => {
    let connections = 0
    answer = response => {
      connections += 1
      if (connections === 2) return void response.writeHead(503).end()
      response.write(`id: ${connections}\nevent: order\ndata: ${JSON.stringify(anEvent())}\n\n`)
      if (connections === 1) response.end()
    }
    const stop = new AbortController()
    const pauses: number[] = []
    const pause = async (ms: number) => void pauses.push(ms)
    const running = runStream(settings(), pause, stop.signal)
    await vi.waitFor(() => expect(events).toHaveLength(2))
    stop.abort()
    await running
    expect(asked).toEqual([undefined, '1', '1'])
    expect(states).toEqual(['connecting', 'live', 'lost', 'lost', 'live'])
    expect(pauses).toEqual([500, 1000])
    expect(gaps).toBe(1)
  })

  it('asks for a refetch when the place is no longer held', async () => {
    answer = response => response.end('id: 9\nevent: resync\ndata: {}\n\n')
    const place = { lastEventId: '1' }
    await readStreamOnce(settings(), place, new AbortController().signal)
    expect(gaps).toBe(1)
    expect(place.lastEventId).toBe('9')
  })

  it('gives up a connection that has gone silent', async () => {
    answer = response => void response.write(': hello\n\n')
    const ended = await readStreamOnce(
      { ...settings(), silenceMsMax: 500 },
      { lastEventId: '' },
      new AbortController().signal,
    )
    expect(ended).toEqual({ opened: true })
  })
})
