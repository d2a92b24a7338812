import { type Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ConsumerFixture, message, openConsumerFixture, range } from './consumer-fixture.ts'
import { discard, redrive } from './dead-letters.ts'
import { RaceLostError } from './infrastructure-error.ts'
import { preview, previewMax } from './preview.ts'

let scans: ConsumerFixture
beforeEach(async () => {
  scans = await openConsumerFixture()
})
afterEach(() => scans.close())

const by = { who: 'ana', why: 'the scanner is mended' }

/** Parks the first of these scans of one key, with the others behind it; then the cause is corrected. */
async function parkFirst(key: string | null, ...numbers: number[]): Promise<bigint> {
  scans.poison.add(numbers[0]!)
  await scans.handle(numbers.map(scan => message(key, scan)))
  scans.poison.clear()
  return BigInt((await scans.letters("state = 'parked'"))[0]!.id)
}

const append = async (trx: Kysely<unknown>) => {
  await sql`insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
            values ('parcel', '7', 'parcel.scanned', 'scanned-on', 'a', '{"scan":1}')`.execute(trx)
}

/** All that a dry run could leave behind. */
const everything = () =>
  Promise.all(
    ['effects', 'inbox', 'dead_letters', 'blocked_keys', 'outbox', 'operator_acts'].map(table =>
      scans.query(`select * from ${table} order by 1, 2`),
    ),
  )
const steps = async (id: bigint, act: 'redrive' | 'discard' = 'redrive') =>
  (await preview(scans.desk, id, act))?.steps.map(({ letter, outcome, reason }) => [
    Number(letter.source.offset),
    outcome,
    reason,
  ])

test('says what would run, in order, which rows it would write and what it would publish, and leaves nothing', async () => {
  const id = await parkFirst('a', 1, 2, 3)
  await append(scans.db)
  scans.hooks.after = append
  const before = await everything()
  const seen = await preview(scans.desk, id, 'redrive')
  expect(seen?.steps.map(({ letter, outcome }) => [Number(letter.source.offset), outcome])).toEqual([
    [1, 'handled'],
    [2, 'handled'],
    [3, 'handled'],
  ])
  expect(seen?.changes).toEqual([
    { table: 'dead_letters', inserted: 0, updated: 3, deleted: 0 },
    { table: 'effects', inserted: 3, updated: 0, deleted: 0 },
    { table: 'outbox', inserted: 3, updated: 0, deleted: 0 },
  ])
  expect(seen?.events).toHaveLength(3)
  expect(seen?.events[0]).toEqual({
    topic: 'scanned-on',
    key: 'a',
    type: 'parcel.scanned',
    aggregateId: '7',
    payload: '{"scan":1}',
  })
  expect(await everything()).toEqual(before)
  expect(await redrive(scans.desk, id, by)).toEqual({ kind: 'released', handled: 3 })
  expect(await scans.effects()).toEqual([1, 2, 3])
})

test('a message that is still poison fails, with its reason, and what waits behind it is not tried', async () => {
  const id = await parkFirst('a', 1, 2)
  scans.poison.add(1)
  expect(await steps(id)).toEqual([
    [1, 'failed', 'Error: scan 1 ispoison'],
    [2, 'not_tried', null],
  ])
  expect((await preview(scans.desk, id, 'redrive'))?.changes).toEqual([])
})

test('one that waits and is poison itself would be parked; its rows are in no count, its events are not shown', async () => {
  const id = await parkFirst('a', 1, 2, 3, 4)
  scans.hooks.before = append
  scans.poison.add(3)
  expect(await steps(id)).toEqual([
    [1, 'handled', null],
    [2, 'handled', null],
    [3, 'parked', 'Error: scan 3 ispoison'],
    [4, 'not_tried', null],
  ])
  const seen = await preview(scans.desk, id, 'redrive')
  expect(seen?.changes.find(({ table }) => table === 'effects')).toMatchObject({ inserted: 2 })
  expect(seen?.events).toHaveLength(2)
  expect(await redrive(scans.desk, id, by)).toMatchObject({ kind: 'parked', handled: 2 })
})

test('of a discard: the message is given up and those behind it run', async () => {
  const id = await parkFirst('a', 1, 2)
  expect(await steps(id, 'discard')).toEqual([
    [1, 'discarded', null],
    [2, 'handled', null],
  ])
  expect(await discard(scans.desk, id, by)).toEqual({ kind: 'released', handled: 1 })
})

test('a message without a key stands alone, and there is nothing to see of one that is not parked', async () => {
  const id = await parkFirst(null, 1, 2)
  expect(await steps(id)).toEqual([[1, 'handled', null]])
  expect(await preview(scans.desk, id + 1n, 'redrive')).toBeUndefined()
  await redrive(scans.desk, id, by)
  expect(await preview(scans.desk, id, 'redrive')).toBeUndefined()
})

test('tries a bounded number and says that there are more', async () => {
  const id = await parkFirst('a', ...range(0, previewMax + 20))
  const seen = await preview(scans.desk, id, 'redrive')
  expect(seen?.steps).toHaveLength(previewMax)
  expect(seen?.steps.at(-1)?.outcome).toBe('handled')
  expect(seen?.isCapped).toBe(true)
})

test('throws on broken infrastructure and leaves nothing, also not a connection', async () => {
  const id = await parkFirst('a', 1, 2)
  const before = await everything()
  scans.hooks.after = async () => {
    throw new RaceLostError('another was first')
  }
  await expect(preview(scans.desk, id, 'redrive')).rejects.toThrow(RaceLostError)
  scans.hooks.after = async trx => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
    await scans.query(`select pg_terminate_backend(${rows[0]!.pid}, 5000)`)
  }
  // More often than the pool has connections.
  for (const _ of range(0, 12)) await expect(preview(scans.desk, id, 'redrive')).rejects.toThrow()
  delete scans.hooks.after
  expect(await everything()).toEqual(before)
  expect(await steps(id)).toHaveLength(2)
})
