import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentIds } from './recent-ids.ts'

test('an id is new once, and again when more than the bound came after it', () => {
  const ids = new RecentIds(2)
  expect(['a', 'a', 'b', 'a', 'c', 'a'].map(id => ids.isNew(id))).toEqual([
    true,
    false,
    true,
    false,
    true,
    true,
  ])
})

/** Of each kind some: event ids are UUIDs, and those of other programs whatever they like. */
const idOf = (n: number) => (n % 2 === 0 ? `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` : `${n}`)

test('whatever comes, it knows the ids that were new last, as many as its bound', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 30 }).map(idOf), { maxLength: 200 }),
      (max, arrivals) => {
        const ids = new RecentIds(max)
        const remembered: string[] = []
        for (const id of arrivals) {
          const isNew = !remembered.includes(id)
          expect(ids.isNew(id)).toBe(isNew)
          if (isNew) remembered.push(id)
          if (remembered.length > max) remembered.shift()
        }
      },
    ),
  )
})
