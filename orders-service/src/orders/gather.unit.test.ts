import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type GatherSettings, gather } from './gather.ts'

const roomy: GatherSettings = {
  batchSizeMax: 100,
  queueMax: 100,
  waitMsMax: 1_000,
  restPerRun: 0,
  restMsMax: 0,
}

/** A gatherer whose runs end when told to. */
function held(settings: Partial<GatherSettings> = {}, clock?: () => number) {
  const runs: { items: number[]; finish(): void; fail(error: Error): void }[] = []
  const gatherer = gather<number, number>(
    items =>
      new Promise((resolve, reject) => {
        runs.push({ items, finish: () => resolve(items.map(item => item * 10)), fail: reject })
      }),
    { ...roomy, ...settings },
    clock,
  )
  /** The nth run, once it has begun. */
  const run = async (n: number) => {
    await expect.poll(() => runs.length, { interval: 1 }).toBeGreaterThan(n)
    return runs[n] as (typeof runs)[number]
  }
  return { ...gatherer, runs, run }
}

/** All that come in this turn of the event loop have come. */
const turnEnds = () => new Promise(resolve => setImmediate(resolve))

test('one that comes alone runs at the end of its turn', async () => {
  const { submit, runs } = held()
  void submit(1)
  await turnEnds()
  expect(runs.map(({ items }) => items)).toEqual([[1]])
})

test('those that come in one turn share a run, and those that come while it goes the next one; each gets its own result', async () => {
  const { submit, runs, run } = held()
  const results = [1, 2].map(submit)
  await turnEnds()
  results.push(...[3, 4, 5].map(submit))
  await turnEnds()
  expect(runs.map(({ items }) => items)).toEqual([[1, 2]])
  runs[0]?.finish()
  const second = await run(1)
  expect(second.items).toEqual([3, 4, 5])
  second.finish()
  expect(await Promise.all(results)).toEqual([10, 20, 30, 40, 50])
})

test('a run takes no more than batchSizeMax, and the rest of them the next', async () => {
  const { submit, runs, run } = held({ batchSizeMax: 2 })
  for (let item = 1; item <= 3; item++) void submit(item)
  await turnEnds()
  expect(runs.map(({ items }) => items)).toEqual([[1, 2]])
  runs[0]?.finish()
  expect((await run(1)).items).toEqual([3])
})

describe('the rest after a run', () => {
  /** Items 1 and 2 shared a run; it took 10 ms, in which so many more came. */
  async function afterRun(came: number, settings: Partial<GatherSettings> = {}, fails = false) {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const gatherer = held({ restPerRun: 3, restMsMax: 50, ...settings })
    for (const item of [1, 2]) void gatherer.submit(item).catch(() => undefined)
    await vi.advanceTimersByTimeAsync(0)
    for (let item = 3; item < 3 + came; item++) void gatherer.submit(item)
    await vi.advanceTimersByTimeAsync(10)
    if (fails) gatherer.runs[0]?.fail(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    else gatherer.runs[0]?.finish()
    await vi.advanceTimersByTimeAsync(0)
    /** What ran since. */
    const next = () => gatherer.runs.slice(1).map(({ items }) => items)
    return { ...gatherer, next }
  }

  test.each([
    ['succeeded', false],
    ['failed', true],
  ])('that %s lets more come, for restPerRun times as long as it took', async (_, fails) => {
    const { next } = await afterRun(1, {}, fails)
    await vi.advanceTimersByTimeAsync(29)
    expect(next()).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(next()).toEqual([[3]])
  })

  test('is no longer than restMsMax', async () => {
    const { next } = await afterRun(1, { restMsMax: 5 })
    await vi.advanceTimersByTimeAsync(5)
    expect(next()).toEqual([[3]])
  })

  test('ends when as many wait as were answered and came meanwhile', async () => {
    const { submit, next } = await afterRun(1)
    void submit(4)
    await vi.advanceTimersByTimeAsync(1)
    expect(next()).toEqual([])
    void submit(5)
    await vi.advanceTimersByTimeAsync(1)
    expect(next()).toEqual([[3, 4, 5]])
  })

  test('ends when there is enough for a whole run', async () => {
    const { next } = await afterRun(2, { batchSizeMax: 2 })
    expect(next()).toEqual([[3, 4]])
  })

  test('is none after a run of one', async () => {
    const { runs, submit, next } = await afterRun(0)
    void submit(3)
    await vi.advanceTimersByTimeAsync(30)
    void submit(4)
    await vi.advanceTimersByTimeAsync(10)
    runs[1]?.finish()
    await vi.advanceTimersByTimeAsync(0)
    expect(next()).toEqual([[3], [4]])
  })
})

describe('overload', () => {
  test('is told at once to what finds the queue full, and the rest is served', async () => {
    const { submit, runs, run } = held({ queueMax: 2 })
    const first = submit(1)
    await turnEnds()
    const [second, third, fourth] = [2, 3, 4].map(submit)
    expect(await fourth).toEqual({ kind: 'overloaded' })
    runs[0]?.finish()
    expect(await first).toBe(10)
    ;(await run(1)).finish()
    expect([await second, await third]).toEqual([20, 30])
  })

  test('is told to what waited too long, which is then never run', async () => {
    let now = 0
    const { submit, runs, run } = held({ waitMsMax: 1_000 }, () => now)
    void submit(1)
    await turnEnds()
    const stale = submit(2)
    now = 500
    const fresh = submit(3)
    now = 1_001
    runs[0]?.finish()
    expect(await stale).toEqual({ kind: 'overloaded' })
    const second = await run(1)
    expect(second.items).toEqual([3])
    second.finish()
    expect(await fresh).toBe(30)
  })
})

describe('a run that throws', () => {
  test('rejects only the item at fault, and keeps the order of the others', async () => {
    const ran: number[][] = []
    const { submit } = gather<number, number>(async items => {
      if (items.includes(5)) throw new Error('five')
      ran.push(items)
      return items
    }, roomy)
    const outcomes = await Promise.allSettled([1, 2, 3, 4, 5, 6, 7, 8].map(submit))
    expect(outcomes.map(({ status }) => status).indexOf('rejected')).toBe(4)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    expect(ran.flat()).toEqual([1, 2, 3, 4, 6, 7, 8])
  })

  test('for want of the database rejects all of it once, and the next run goes on', async () => {
    const { submit, runs, run } = held()
    const first = submit(1)
    await turnEnds()
    const others = [2, 3].map(submit)
    const last = others.map(one => one.catch((error: Error) => error.message))
    runs[0]?.finish()
    await first
    ;(await run(1)).fail(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    expect(await Promise.all(last)).toEqual(['refused', 'refused'])
    expect(runs).toHaveLength(2)
    const next = submit(4)
    ;(await run(2)).finish()
    expect(await next).toBe(40)
  })
})
