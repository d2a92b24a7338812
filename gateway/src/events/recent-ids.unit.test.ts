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
