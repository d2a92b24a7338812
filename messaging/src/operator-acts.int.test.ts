import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ConsumerFixture, message, openConsumerFixture } from './consumer-fixture.ts'
import { discard, redrive } from './dead-letters.ts'
import { listActs } from './operator-acts.ts'

let scans: ConsumerFixture
beforeEach(async () => {
  scans = await openConsumerFixture()
})
afterEach(() => scans.close())

async function parkOne(key: string, scan: number): Promise<bigint> {
  scans.poison.add(scan)
  await scans.handle([message(key, scan)])
  return BigInt((await scans.letters(`state = 'parked' and key = '${key}'`))[0]!.id)
}

test('who did what, when and why is written: attempts that failed too, those without an act not', async () => {
  const [first, second] = [await parkOne('a', 1), await parkOne('b', 2)]
  await redrive(scans.desk, first, { who: 'ana', why: null })
  scans.poison.clear()
  await redrive(scans.desk, first, { who: 'ben', why: 'the scanner is mended' })
  await redrive(scans.desk, first, { who: 'ben', why: 'once more' })
  await discard(scans.desk, second, { who: 'ana', why: 'sent in\0 error' })
  const acts = await listActs(scans.db)
  expect(acts).toMatchObject([
    { act: 'discard', outcome: 'done', who: 'ana', why: 'sent in error', deadLetterId: second, detail: null },
    { act: 'redrive', outcome: 'done', who: 'ben', why: 'the scanner is mended', deadLetterId: first },
    {
      act: 'redrive',
      outcome: 'failed',
      who: 'ana',
      why: null,
      deadLetterId: first,
      consumer: 'scans',
      eventId: 'scanned/0/1',
      topic: 'scanned',
      key: 'a',
      detail: { reason: 'Error: scan 1 ispoison' },
    },
  ])
  expect(Math.abs(Date.now() - acts[0]!.at.getTime())).toBeLessThan(60_000)
  expect(await listActs(scans.db, { deadLetterId: first, limit: 1 })).toEqual([acts[1]])
  expect(await listActs(scans.db, { deadLetterId: first, beforeId: acts[1]!.id })).toEqual([acts[2]])
})

test('an act that does not commit is not recorded, and no act is done without its record', async () => {
  const id = await parkOne('a', 1)
  scans.poison.clear()
  await scans.database.asOwner('alter table operator_acts rename to moved_away')
  await expect(redrive(scans.desk, id, { who: 'ana', why: null })).rejects.toThrow('operator_acts')
  await expect(discard(scans.desk, id, { who: 'ana', why: 'no use' })).rejects.toThrow('operator_acts')
  await scans.database.asOwner('alter table moved_away rename to operator_acts')
  expect(await scans.letters()).toMatchObject([{ state: 'parked' }])
  expect(await scans.effects()).toEqual([])
  expect(await listActs(scans.db)).toEqual([])
})

test('what is written stays: no update, no delete, no truncate, and no discard without a reason', async () => {
  const id = await parkOne('a', 1)
  await discard(scans.desk, id, { who: 'ana', why: 'no use' })
  for (const statement of [
    "update operator_acts set who = 'nobody'",
    'delete from operator_acts',
    'truncate operator_acts',
  ]) {
    await expect(scans.database.asOwner(statement)).rejects.toThrow('append-only')
  }
  const insert = (who: string, why: string) =>
    scans.query(`insert into operator_acts (who, why, act, outcome, dead_letter_id)
                 values (${who}, ${why}, 'discard', 'done', 1)`)
  await expect(insert("'ana'", 'null')).rejects.toThrow('check')
  await expect(insert("'ana'", "''")).rejects.toThrow('check')
  await expect(insert("''", "'x'")).rejects.toThrow('check')
  expect(await listActs(scans.db)).toHaveLength(1)
})
