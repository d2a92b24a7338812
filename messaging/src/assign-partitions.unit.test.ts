import { expect, test } from 'vitest'
import { assignPartitions } from './assign-partitions.ts'

const assign = (topics: Record<string, string[]>, partitions: Record<string, number>) =>
  Object.fromEntries(
    [
      ...assignPartitions(
        Object.entries(topics).map(([memberId, topics]) => ({ memberId, topics })),
        topic => partitions[topic]!,
      ),
    ].map(([memberId, given]) => [memberId, Object.fromEntries(given)]),
  )

test('members that read the same have its partitions in turn', () => {
  expect(assign({ x: ['a', 'b'], y: ['a', 'b'] }, { a: 3, b: 2 })).toEqual({
    x: { a: [0, 2], b: [1] },
    y: { a: [1], b: [0] },
  })
})

test('nobody has partitions of a topic that it does not read, and no partition is left', () => {
  expect(assign({ old: ['a'], new: ['a', 'b'] }, { a: 3, b: 3 })).toEqual({
    old: { a: [0, 2] },
    new: { a: [1], b: [0, 1, 2] },
  })
  expect(assign({ old: ['a'], other: ['b'], idle: [] }, { a: 1, b: 1 })).toEqual({
    old: { a: [0] },
    other: { b: [0] },
    idle: {},
  })
})
