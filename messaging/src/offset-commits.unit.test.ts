import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { keepingLog } from './consumer-fixture.ts'
import { OffsetCommits } from './offset-commits.ts'

test('all that is handled is committed, also where a request with less is under way', async () => {
  const sent: bigint[] = []
  const offsets = new OffsetCommits(async due => {
    await sleep(20)
    sent.push(...due.map(({ offset }) => offset))
  }, keepingLog().log)
  offsets.handled('t', 0, 10n)
  void offsets.commit()
  offsets.handled('t', 0, 20n)
  await offsets.commitAll()
  expect(sent).toEqual([10n, 20n])
})
