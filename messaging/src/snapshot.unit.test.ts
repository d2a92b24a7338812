import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptySnapshot, parseSnapshot, type Snapshot } from './snapshot.ts'

test('reads what PostgreSQL writes', () => {
  expect(parseSnapshot('10:20:10,14,15')).toEqual({ xmax: 20n, inProgress: [10n, 14n, 15n] })
  expect(parseSnapshot(emptySnapshot)).toEqual({ xmax: 3n, inProgress: [] })
})

test('a transaction is visible exactly where it began before the snapshot and was not in progress', () => {
  const xids = fc.uniqueArray(fc.bigInt({ min: 3n, max: 2n ** 64n - 2n }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(xids, xids, (ended, open) => {
      const running = open.filter(xid => !ended.includes(xid)).toSorted(byValue)
      const xmax = [...ended, ...running].toSorted(byValue).at(-1)! + 1n
      const snapshot = parseSnapshot(`${running[0] ?? xmax}:${xmax}:${running.join(',')}`)
      expect(ended.every(xid => isVisibleIn(snapshot, xid))).toBe(true)
      expect([...running, xmax, xmax + 1n].some(xid => isVisibleIn(snapshot, xid))).toBe(false)
    }),
  )
})
/** What PostgreSQL's pg_visible_in_snapshot answers, said in the parts that were read. */
const isVisibleIn = (snapshot: Snapshot, xid: bigint): boolean =>
  xid < snapshot.xmax && !snapshot.inProgress.includes(xid)
const byValue = (a: bigint, b: bigint) => (a < b ? -1 : 1)

test.each(['', '1:2', 'a:b:c', '1:2:3;4', '1:2:3\n'])('%j is refused', text => {
  expect(() => parseSnapshot(text)).toThrow(RangeError)
})
