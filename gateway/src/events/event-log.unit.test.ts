import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventLog } from './event-log.ts'
import { type Position, parsePosition } from './position.ts'

const partitions = 3
/** Few, so that most is read from the ring. */
const latestMax = 2

function filled(eventsMax: number, arrivals: number[], bytesMax = Number.MAX_SAFE_INTEGER) {
  const log = new EventLog(eventsMax, bytesMax, latestMax)
  const next = [0n, 0n, 0n]
  for (let partition = 0; partition < partitions; partition++) log.open(partition, 0n)
  for (const partition of arrivals) {
    const offset = next[partition] as bigint
    next[partition] = offset + 1n
    log.append({ partition, offset, userId: 1, stampedMs: 0 }, `${partition}:${offset}`)
  }
  return log
}

/** What a reader at `place` gets: from where the log says, without what it has. */
function read(log: EventLog, place: Position): string[] | 'gone' {
  const found = log.find(place)
  if (found.kind === 'gone') return 'gone'
  const got: string[] = []
  for (let number = found.from; number < log.end; number++) {
    const event = log.at(number)
    if (event && event.offset >= (place.get(event.partition) ?? 0n)) got.push(log.textOf(number))
  }
  return got
}

const arrivals = fc.array(fc.integer({ min: 0, max: partitions - 1 }), { maxLength: 60 })

describe('event log', () => {
  test('a reader at any place gets each event after it exactly once, or is told that some are gone', () => {
    fc.assert(
      fc.property(
        arrivals,
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat(60), { minLength: 3, maxLength: 3 }),
        (came, max, at) => {
          const log = filled(max, came)
          const count = (partition: number) => came.filter(other => other === partition).length
          const place: Position = new Map(
            at.map((offset, partition) => [partition, BigInt(Math.min(offset, count(partition)))]),
          )
          const after = Array.from({ length: partitions }, (_, partition) =>
            Array.from({ length: count(partition) }, (_, offset) => [partition, offset] as const),
          )
            .flat()
            .filter(([partition, offset]) => BigInt(offset) >= (place.get(partition) ?? 0n))
            .map(([partition, offset]) => `${partition}:${offset}`)
          const held = new Set(
            Array.from({ length: log.end - log.first }, (_, i) => log.textOf(log.first + i)),
          )
          const got = read(log, place)
          if (after.every(text => held.has(text)))
            expect(got === 'gone' ? got : got.toSorted()).toEqual(after.toSorted())
          else expect(got).toBe('gone')
        },
      ),
    )
  })

  test('the place told with an event is the place after it, also in a log that the events reached in another order', () => {
    fc.assert(
      fc.property(arrivals, fc.nat(), (came, pick) => {
        const log = filled(100, came)
        if (log.end === 0) return
        const number = pick % log.end
        const place = parsePosition(log.placeBefore(number + 1)) as Position
        const rest = Array.from({ length: log.end - number - 1 }, (_, i) => log.textOf(number + 1 + i))
        expect(read(log, place)).toEqual(rest)
        const sorted = filled(100, came.toSorted())
        expect((read(sorted, place) as string[]).toSorted()).toEqual(rest.toSorted())
      }),
    )
  })

  test('the place before an event is good for it and all after it, before the oldest one too', () => {
    const log = filled(3, [0, 1, 0, 2, 1, 0, 0])
    const texts = ['1:1', '0:2', '0:3']
    const places = texts.map((_, i) => parsePosition(log.placeBefore(log.first + i)) as Position)
    expect(places.map(place => read(log, place))).toEqual([texts, texts.slice(1), texts.slice(2)])
  })

  test('a place ahead of the log, as another gateway may give out, is held', () => {
    const log = filled(10, [0, 0])
    expect(log.find(new Map([[0, 5n]]))).toEqual({ kind: 'held', from: 2 })
  })

  test('a place in a partition that the topic does not have is gone', () => {
    expect(filled(10, [0]).find(new Map([[9, 0n]]))).toEqual({ kind: 'gone' })
  })

  test('a partition that the place does not name is read from its beginning', () => {
    expect(read(filled(10, [0, 1, 0]), new Map([[0, 1n]]))).toEqual(['1:0', '0:1'])
  })

  test('holds no more text and places than its bound', () => {
    const bytesOfEach = '0:0'.length + '0:1,1:0,2:0'.length
    const log = filled(100, [0, 0, 0, 0, 0], 3 * bytesOfEach)
    expect(log.end - log.first).toBe(3)
    expect(log.find(new Map([[0, 1n]]))).toEqual({ kind: 'gone' })
    expect(log.find(new Map([[0, 2n]]))).toEqual({ kind: 'held', from: 2 })
  })

  test('what lies before the offset that a partition was opened at is gone', () => {
    const log = new EventLog(10, 1_000)
    log.open(0, 100n)
    expect(log.find(new Map([[0, 99n]]))).toEqual({ kind: 'gone' })
    expect(log.find(new Map([[0, 100n]]))).toEqual({ kind: 'held', from: 0 })
    expect(log.placeBefore(0)).toBe('0:100')
  })
})
