import fc from 'fast-check'
import type { IncomingMessage } from 'messaging/transport'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { EventHub, type HubSettings } from './event-hub.ts'
import { parsePosition } from './position.ts'
import { orderMessage, Reader } from './reader-fixture.ts'

const partitions = 2
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const open: EventHub[] = []

function newHub(settings: Partial<HubSettings> = {}): EventHub {
  const hub = new EventHub({ streamsMax: 100, refillMax: 1_000, idsMax: 50, ...settings }, silent)
  open.push(hub)
  return hub
}

function connect(hub: EventHub, place?: string, userId?: number): Reader {
  const reader = new Reader()
  hub.serve(reader.response, {
    userId,
    place: place === undefined ? undefined : (parsePosition(place) ?? 'unreadable'),
    sinceMs: Date.now(),
  })
  return reader
}

afterEach(() => {
  vi.useRealTimers()
  for (const hub of open.splice(0)) hub.close()
})

/** A topic, and gateways that read it each at its own pace. */
class Topic {
  readonly logs: IncomingMessage[][] = Array.from({ length: partitions }, () => [])
  readonly #read = new Map<EventHub, number[]>()

  append(partition: number, orderId: string, userId?: number): void {
    const log = this.logs[partition] as IncomingMessage[]
    log.push(orderMessage(partition, log.length, orderId, userId))
  }

  start(hub: EventHub): EventHub {
    const ranges = this.logs.map((log, partition) => ({ partition, first: 0n, end: BigInt(log.length) }))
    const starts = hub.begin(ranges)
    this.#read.set(
      hub,
      ranges.map(({ partition }) => Number(starts.get(partition))),
    )
    return hub
  }

  deliver(hub: EventHub, partition: number, count: number): void {
    const read = this.#read.get(hub) as number[]
    const log = this.logs[partition] as IncomingMessage[]
    const from = read[partition] as number
    const messages = log.slice(from, from + count)
    if (messages.length === 0) return
    read[partition] = from + messages.length
    hub.take(partition, messages, BigInt(from + messages.length))
  }

  deliverAll(hub: EventHub): void {
    for (let partition = 0; partition < partitions; partition++)
      this.deliver(hub, partition, Number.MAX_SAFE_INTEGER)
  }
}

const partition = fc.integer({ min: 0, max: partitions - 1 })
const gateway = fc.integer({ min: 0, max: 1 })
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      partition,
      userId: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('repeat' as const),
      partition,
      back: fc.integer({ min: 1, max: 10 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('deliver' as const),
      gateway,
      partition,
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('move' as const), gateway }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), gateway }) },
)

describe('event hub', () => {
  test('a reader that moves between gateways, which read, repeat and restart as they like, gets every event once and in order', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.option(fc.constant(1), { nil: undefined }),
        (steps, userId) => {
          const topic = new Topic()
          const hubs = [topic.start(newHub()), topic.start(newHub())]
          const expected: string[][] = Array.from({ length: partitions }, () => [])
          let place = '0:0,1:0'
          let reader = connect(hubs[0] as EventHub, place, userId)
          const got: string[] = []
          let resyncs = 0
          const move = (to: number) => {
            got.push(...reader.orders)
            resyncs += reader.resyncs
            place = reader.lastId ?? place
            reader.destroy()
            reader = connect(hubs[to] as EventHub, place, userId)
          }
          let at = 0
          steps.forEach((step, i) => {
            switch (step.kind) {
              case 'append':
                topic.append(step.partition, `${step.partition}/${i}`, step.userId)
                if (userId === undefined || userId === step.userId)
                  expected[step.partition]?.push(`${step.partition}/${i}`)
                break
              case 'repeat': {
                const log = topic.logs[step.partition] as IncomingMessage[]
                const repeated = log.at(-step.back)
                if (repeated) log.push({ ...repeated, offset: BigInt(log.length) })
                break
              }
              case 'deliver':
                topic.deliver(hubs[step.gateway] as EventHub, step.partition, step.count)
                break
              case 'move':
                at = step.gateway
                move(at)
                break
              case 'restart':
                hubs[step.gateway]?.close()
                hubs[step.gateway] = topic.start(newHub())
                if (at === step.gateway) move(at)
                break
            }
          })
          for (const hub of hubs) topic.deliverAll(hub)
          move(1)
          got.push(...reader.orders)
          expect(resyncs + reader.resyncs).toBe(0)
          for (let partition = 0; partition < partitions; partition++) {
            expect(got.filter(id => id.startsWith(`${partition}/`))).toEqual(expected[partition])
          }
          for (const hub of open.splice(0)) hub.close()
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a reader that is ahead of its gateway is given no place behind what it has', () => {
    const topic = new Topic()
    const [quick, slow] = [topic.start(newHub()), topic.start(newHub())]
    topic.append(0, 'a')
    topic.append(1, 'b')
    topic.deliver(quick, 1, 1)
    const first = connect(quick, '0:0,1:0')
    const second = connect(slow, first.lastId)
    topic.deliver(slow, 0, 1)
    expect([...first.orders, ...second.orders]).toEqual(['b', 'a'])
    expect(second.lastId).toBe('0:1,1:1')
    topic.deliverAll(slow)
    expect(second.orders).toEqual(['a'])
  })

  test('a reader that was away for too long is told to resync, and then gets what is new', () => {
    const topic = new Topic()
    const hub = topic.start(newHub({ eventsMax: 5 }))
    for (let i = 0; i < 10; i++) topic.append(0, `a${i}`)
    topic.deliverAll(hub)
    const reader = connect(hub, '0:2,1:0')
    expect(reader.resyncs).toBe(1)
    topic.append(0, 'new')
    topic.deliverAll(hub)
    expect(reader.orders).toEqual(['new'])
  })

  test('a place that nobody gave out is answered with resync, not with an error that a browser would give up on', () => {
    const hub = new Topic().start(newHub())
    expect(connect(hub, 'made up').resyncs).toBe(1)
    expect(connect(hub, '77:1').resyncs).toBe(1)
  })

  test('a gateway that restarts serves no place from which it could not tell a repetition', () => {
    const topic = new Topic()
    for (let i = 0; i < 54; i++) topic.append(0, `a${i}`)
    const log = topic.logs[0] as IncomingMessage[]
    // Its first arrival lies before what is read again: 28 to 78, of which 58 to 78 are served.
    log.push({ ...(log[25] as IncomingMessage), offset: 54n })
    for (let i = 55; i < 78; i++) topic.append(0, `a${i}`)
    const restarted = topic.start(newHub({ refillMax: 20, idsMax: 30 }))
    topic.deliverAll(restarted)
    expect(connect(restarted, '0:58,1:0').orders).toHaveLength(20)
    const earlier = connect(restarted, '0:54,1:0')
    expect(earlier.orders).toEqual([])
    expect(earlier.resyncs).toBe(1)
  })

  test.each([50, 500])(
    'a gateway that restarts holds the newest events of each partition, whichever it reads first: %i ids',
    idsMax => {
      const topic = new Topic()
      for (let i = 0; i < 200; i++)
        for (const partition of [0, 1]) topic.append(partition, `${partition}-${i}`)
      const restarted = topic.start(newHub({ eventsMax: 100, refillMax: 100, idsMax }))
      topic.deliverAll(restarted)
      const reader = connect(restarted, '0:190,1:190')
      expect(reader.resyncs).toBe(0)
      expect(reader.orders).toHaveLength(20)
    },
  )

  test('a reader that came while the log was being filled gets what settled meanwhile', () => {
    const topic = new Topic()
    const long = new Date(Date.now() - 60_000)
    for (let i = 0; i < 3; i++) topic.append(0, `old${i}`)
    for (const message of topic.logs[0] ?? []) message.timestamp = long
    topic.append(0, 'meanwhile')
    const hub = newHub()
    const reader = connect(hub)
    topic.start(hub)
    expect(hub.isReady).toBe(false)
    topic.deliverAll(hub)
    expect(hub.isReady).toBe(true)
    expect(reader.orders).toEqual(['meanwhile'])
    expect(connect(hub, reader.lastId).orders).toEqual([])
  })

  test('a filtered reader learns how far it has come although no event was for it', () => {
    vi.useFakeTimers()
    const topic = new Topic()
    const hub = topic.start(newHub({ heartbeatMs: 1_000 }))
    const reader = connect(hub, undefined, 1)
    for (let i = 0; i < 1_500; i++) topic.append(0, `other${i}`, 2)
    topic.deliverAll(hub)
    expect(reader.orders).toEqual([])
    expect(reader.lastId).toBe('0:1000,1:0')
    vi.advanceTimersByTime(1_000)
    expect(reader.lastId).toBe('0:1500,1:0')
  })

  test('a reader that takes nothing costs no more than a page, is cut off, and goes on from the last id it got', () => {
    vi.useFakeTimers()
    const topic = new Topic()
    const hub = topic.start(newHub({ heartbeatMs: 1_000, stallMsMax: 5_000 }))
    const reader = connect(hub)
    reader.isStalled = true
    for (let i = 0; i < 3_000; i++) topic.append(0, `a${i}`)
    topic.deliverAll(hub)
    expect(reader.writableLength).toBeLessThan(256 * 1_024)
    expect(reader.destroyed).toBe(false)
    vi.advanceTimersByTime(5_000)
    expect(reader.destroyed).toBe(true)
    const again = connect(hub, reader.lastId)
    expect([...reader.orders, ...again.orders]).toEqual(Array.from({ length: 3_000 }, (_, i) => `a${i}`))
  })

  test('a reader that the log leaves behind is cut off', () => {
    const topic = new Topic()
    const hub = topic.start(newHub({ eventsMax: 100 }))
    const reader = connect(hub)
    reader.isStalled = true
    for (let i = 0; i < 1_000; i++) topic.append(0, `a${i}`)
    topic.deliverAll(hub)
    for (let i = 0; i < 1_000; i++) topic.append(0, `b${i}`)
    topic.deliverAll(hub)
    reader.goOn()
    expect(reader.destroyed).toBe(true)
  })

  test('where the topic was deleted and made again, readers are told to resync and get the new events', () => {
    const old = new Topic()
    const hub = old.start(newHub())
    for (let i = 0; i < 5; i++) old.append(0, `old${i}`)
    old.deliverAll(hub)
    const reader = connect(hub)
    hub.take(0, [orderMessage(0, 0, 'new')], 1n)
    expect(reader.resyncs).toBe(1)
    expect(reader.orders).toEqual(['new'])
  })

  test('a place that stays ahead of the topic is from another one: resync', () => {
    vi.useFakeTimers()
    const topic = new Topic()
    const hub = topic.start(newHub({ heartbeatMs: 1_000, aheadMsMax: 3_000 }))
    topic.append(0, 'a')
    topic.deliverAll(hub)
    const reader = connect(hub, '0:50,1:0')
    vi.advanceTimersByTime(2_000)
    expect(reader.resyncs).toBe(0)
    vi.advanceTimersByTime(2_000)
    expect(reader.resyncs).toBe(1)
    topic.append(0, 'b')
    topic.deliverAll(hub)
    expect(reader.orders).toEqual(['b'])
  })

  test('has room for so many readers and no more, until one leaves', async () => {
    const hub = new Topic().start(newHub({ streamsMax: 1 }))
    expect(hub.hasRoom()).toBe(true)
    const reader = connect(hub)
    expect(hub.hasRoom()).toBe(false)
    reader.destroy()
    await vi.waitFor(() => expect(hub.hasRoom()).toBe(true))
  })

  test('what is no order status is passed over, and so is its place', () => {
    const topic = new Topic()
    const hub = topic.start(newHub())
    const reader = connect(hub)
    hub.take(0, [{ ...orderMessage(0, 0, 'x'), value: Buffer.from('not json') }, orderMessage(0, 1, 'y')], 2n)
    expect(reader.orders).toEqual(['y'])
    expect(reader.lastId).toBe('0:2,1:0')
  })
})
