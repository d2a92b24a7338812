import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BatchMerger } from './batch-merger.ts'

type Item = { partition: number; offset: number }
const partitionOf = (partition: number, count: number): Item[] =>
  Array.from({ length: count }, (_, offset) => ({ partition, offset }))

test('what is added in one turn is handled in one call', async () => {
  const calls: Item[][] = []
  const merger = new BatchMerger<Item>(100, async items => void calls.push(items))
  await Promise.all([merger.add(partitionOf(0, 3)), merger.add(partitionOf(1, 2)), merger.add([])])
  expect(calls).toEqual([[...partitionOf(0, 3), ...partitionOf(1, 2)]])
})

test('any sizes, bounds and failures: bounded calls, one at a time, in order; each batch settles by its own items', async () => {
  const batches = fc.array(fc.nat(30), { minLength: 1, maxLength: 8 })
  const waves = fc.array(batches, { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(waves, fc.integer({ min: 1, max: 12 }), fc.nat(9), async (sizes, sizeMax, failEvery) => {
      let atOnce = 0
      let calls = 0
      const handled: Item[] = []
      const failed = new Set<Item>()
      const merger = new BatchMerger<Item>(sizeMax, async items => {
        expect(++atOnce).toBe(1)
        await new Promise(setImmediate)
        atOnce--
        expect(items.length).toBeGreaterThan(0)
        expect(items.length).toBeLessThanOrEqual(sizeMax)
        if (failEvery > 0 && ++calls % failEvery === 0) {
          for (const item of items) failed.add(item)
          throw new Error('broken')
        }
        handled.push(...items)
      })
      for (const wave of sizes) {
        const added = wave.map((count, partition) => partitionOf(partition, count))
        const before = handled.length
        const settled = await Promise.allSettled(added.map(items => merger.add(items)))
        settled.forEach(({ status }, i) => {
          expect(status).toBe(added[i]!.some(item => failed.has(item)) ? 'rejected' : 'fulfilled')
          const ofPartition = handled.slice(before).filter(item => added[i]!.includes(item))
          expect(ofPartition).toEqual(added[i]!.slice(0, ofPartition.length))
          if (status === 'fulfilled') expect(ofPartition).toEqual(added[i])
        })
      }
    }),
  )
})

test('stop lets the call in hand end, and rejects what waits and what is added later', async () => {
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
  const calls: Item[][] = []
  const merger = new BatchMerger<Item>(2, async items => {
    calls.push(items)
    await mayEnd
  })
  const both = Promise.allSettled([merger.add(partitionOf(0, 2)), merger.add(partitionOf(1, 1))])
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  const stopping = merger.stop()
  end()
  await stopping
  expect((await both).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  expect(calls).toEqual([partitionOf(0, 2)])
  await expect(merger.add(partitionOf(0, 1))).rejects.toThrow('stopped')
})
