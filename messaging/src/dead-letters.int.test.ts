import fc from 'fast-check'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type ConsumerFixture, message, openConsumerFixture, range } from './consumer-fixture.ts'
import { listDeadLetters } from './dead-letter-rows.ts'
import { discard, redrive, releaseForgottenKeys } from './dead-letters.ts'
import { armFailpoints } from './failpoint.ts'
import { handleBatch } from './handle-batch.ts'

let scans: ConsumerFixture
beforeEach(async () => {
  scans = await openConsumerFixture()
})
afterEach(() => {
  armFailpoints()
  return scans.close()
})

/** Parks the first of these scans of one key, with the others behind it; then the cause is corrected. */
async function parkFirst(key: string | null, ...numbers: number[]): Promise<bigint> {
  scans.poison.add(numbers[0]!)
  await scans.handle(numbers.map(scan => message(key, scan)))
  scans.poison.clear()
  return firstParked()
}
const nightShift = { who: 'ana', why: null }
const firstParked = async () => BigInt((await scans.letters("state = 'parked'"))[0]!.id)
const openLetters = () => scans.letters("state in ('parked', 'waiting')")

describe('redrive', () => {
  test('handles the parked message, then all that waited, in order, and the key is free', async () => {
    // More than one transaction's worth, and ids of one, two and three digits.
    const id = await parkFirst('a', ...range(0, 450))
    await scans.handle([message('b', 1000)])
    expect(await redrive(scans.desk, id, nightShift)).toEqual({ kind: 'released', handled: 450 })
    expect(await scans.effects('a')).toEqual(range(0, 450))
    expect(await openLetters()).toEqual([])
    expect(await scans.blockedKeys()).toEqual([])
    expect(await scans.handle([message('a', 450)])).toMatchObject({ handled: 1 })
  })

  test('hands on no more of what waited at once than a service has memory for, large messages too', async () => {
    const large = (scan: number) =>
      message('a', scan, { value: Buffer.from(JSON.stringify({ scan, filler: 'x'.repeat(1024 * 1024) })) })
    scans.poison.add(0)
    for (const scan of range(0, 12)) await scans.handle([large(scan)])
    scans.poison.clear()
    const sizes: number[] = []
    scans.hooks.before = async (_, messages) => {
      sizes.push(messages.reduce((bytes, { source }) => bytes + source.value!.length, 0))
    }
    expect(await redrive(scans.desk, await firstParked(), nightShift)).toEqual({
      kind: 'released',
      handled: 12,
    })
    expect(await scans.effects('a')).toEqual(range(0, 12))
    expect(Math.max(...sizes)).toBeLessThan(5.1 * 1024 * 1024)
  })

  test('that fails again changes nothing', async () => {
    const id = await parkFirst('a', 1, 2, 3)
    scans.poison.add(1)
    const before = await scans.query('select * from dead_letters order by id')
    expect(await redrive(scans.desk, id, nightShift)).toEqual({
      kind: 'failed',
      reason: 'Error: scan 1 ispoison',
    })
    expect(await scans.query('select * from dead_letters order by id')).toEqual(before)
    expect(await scans.effects()).toEqual([])
    expect(await scans.blockedKeys()).toEqual(['a'])
  })

  test('of what still cannot be decoded fails and says why', async () => {
    await scans.handle([message('a', 1, { value: Buffer.from('{') })])
    expect(await redrive(scans.desk, await firstParked(), nightShift)).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/cannot be decoded: not JSON/),
    })
  })

  test('stops at a waiting message that is poison itself: that one is parked, the rest wait behind it', async () => {
    const id = await parkFirst('a', ...range(0, 12))
    scans.poison.add(7)
    const outcome = await redrive(scans.desk, id, nightShift)
    expect(outcome).toMatchObject({ kind: 'parked', handled: 7, reason: 'Error: scan 7 ispoison' })
    expect(await scans.effects()).toEqual(range(0, 7))
    expect(await openLetters()).toMatchObject([
      { event_id: 'scanned/0/7', state: 'parked', attempts: 1, reason: 'Error: scan 7 ispoison' },
      ...range(8, 12).map(scan => ({ event_id: `scanned/0/${scan}`, state: 'waiting' })),
    ])
    expect(await scans.handle([message('a', 12)])).toMatchObject({ waiting: 1 })
    scans.poison.clear()
    expect(await redrive(scans.desk, (outcome as { id: bigint }).id, nightShift)).toEqual({
      kind: 'released',
      handled: 6,
    })
    expect(await scans.effects()).toEqual(range(0, 13))
  })

  test('of a message without a key is that one only', async () => {
    const id = await parkFirst(null, 1, 2)
    expect(await scans.effects()).toEqual([2])
    expect(await redrive(scans.desk, id, nightShift)).toEqual({ kind: 'released', handled: 1 })
    expect(await scans.effects()).toEqual([2, 1])
  })

  test('twice at once has one effect, and so has once more later', async () => {
    const id = await parkFirst('a', ...range(0, 30))
    const outcomes = await Promise.all(range(0, 4).map(() => redrive(scans.desk, id, nightShift)))
    expect(outcomes.filter(({ kind }) => kind === 'not_parked')).toHaveLength(3)
    expect(await redrive(scans.desk, id, nightShift)).toEqual({ kind: 'not_parked' })
    expect(await scans.effects()).toEqual(range(0, 30))
  })

  test('of a waiting message, of none, or of another consumer does nothing', async () => {
    const id = await parkFirst('a', 1, 2)
    expect(await redrive(scans.desk, id + 1n, nightShift)).toEqual({ kind: 'not_parked' })
    expect(await redrive(scans.desk, 999n, nightShift)).toEqual({ kind: 'not_parked' })
    const other = { ...scans.desk, definition: { ...scans.definition, name: 'other' } }
    expect(await redrive(other, id, nightShift)).toEqual({ kind: 'not_parked' })
    expect(await scans.effects()).toEqual([])
  })

  test('throws on broken infrastructure with nothing changed, and works when called again', async () => {
    const id = await parkFirst('a', 1, 2)
    scans.hooks.after = async trx => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      await scans.query(`select pg_terminate_backend(${rows[0]!.pid}, 5000)`)
    }
    await expect(redrive(scans.desk, id, nightShift)).rejects.toThrow()
    delete scans.hooks.after
    expect(await redrive(scans.desk, id, nightShift)).toEqual({ kind: 'released', handled: 2 })
    expect(await scans.effects()).toEqual([1, 2])
  })

  test('tells of its commits, also when what came behind was parked', async () => {
    scans.definition.afterCommit = vi.fn()
    const id = await parkFirst('a', 1, 2)
    scans.poison.add(2)
    vi.mocked(scans.definition.afterCommit).mockClear()
    await redrive(scans.desk, id, nightShift)
    expect(scans.definition.afterCommit).toHaveBeenCalledTimes(1)
  })
})

describe('discard', () => {
  test('gives the message up, keeps why, and handles those behind it in order', async () => {
    const id = await parkFirst('a', ...range(0, 12))
    expect(await discard(scans.desk, id, { who: 'ana', why: 'sent in\0 error' })).toEqual({
      kind: 'released',
      handled: 11,
    })
    expect(await scans.effects()).toEqual(range(1, 12))
    expect(await scans.query(`select state, note from dead_letters where id = ${id}`)).toEqual([
      { state: 'discarded', note: 'sent in error' },
    ])
    expect(await discard(scans.desk, id, { who: 'ana', why: 'again' })).toEqual({ kind: 'not_parked' })
    // It is remembered: delivered again, it stays without effect.
    expect(await scans.handle([message('a', 0)])).toMatchObject({ duplicates: 1 })
  })
})

test('open letters are listed oldest first, in pages, with all that the message had', async () => {
  await parkFirst('a', ...range(0, 12))
  const first = await listDeadLetters(scans.db, { limit: 7 })
  const rest = await listDeadLetters(scans.db, { consumer: 'scans', afterId: first.at(-1)!.id })
  expect([...first, ...rest].map(({ source }) => Number(source.offset))).toEqual(range(0, 12))
  expect(first[0]).toMatchObject({ state: 'parked', consumer: 'scans', source: message('a', 0) })
  expect(await listDeadLetters(scans.db, { consumer: 'other' })).toEqual([])
})

describe('a crash between redrive and release', () => {
  const redriveWithoutRelease = (id: bigint) =>
    scans.query(`update dead_letters set state = 'redriven' where id = ${id}`)

  test('is mended by releaseForgottenKeys; keys with a parked message are left', async () => {
    await redriveWithoutRelease(await parkFirst('a', 0, 1, 2))
    await parkFirst('b', 10, 11)
    expect(await releaseForgottenKeys(scans.desk)).toBe(1)
    expect(await scans.effects()).toEqual([1, 2])
    expect(await scans.blockedKeys()).toEqual(['b'])
    expect(await releaseForgottenKeys(scans.desk)).toBe(0)
  })

  test('in four instances at once, each waiting message has one effect, and poison is parked once', async () => {
    await redriveWithoutRelease(await parkFirst('a', ...range(0, 20)))
    scans.poison.add(13)
    await Promise.all(range(0, 4).map(() => releaseForgottenKeys(scans.desk)))
    expect(await scans.effects()).toEqual(range(1, 13))
    expect(await openLetters()).toMatchObject([
      { state: 'parked', attempts: 1 },
      ...range(14, 20).map(() => ({ state: 'waiting' })),
    ])
  })

  test('a message that one release handles while another fails at it is not parked afterwards', async () => {
    await redriveWithoutRelease(await parkFirst('a', 0, 1, 2))
    let corrected: Promise<number> | undefined
    const outdated = {
      ...scans.definition,
      async handle(_: unknown, messages: unknown[]) {
        if (messages.length === 1) corrected = releaseForgottenKeys(scans.desk)
        throw new Error('the handler of before the correction')
      },
    }
    // The other comes between its attempt and its parking: it waits for the key until the attempt is over.
    const db = scans.db.withoutPlugins()
    const begin = db.transaction.bind(db)
    db.transaction = () => {
      const transaction = begin()
      const execute = transaction.execute.bind(transaction)
      transaction.execute = async act => {
        await corrected
        return execute(act)
      }
      return transaction
    }
    await releaseForgottenKeys({ ...scans.desk, db, definition: outdated })
    await corrected
    expect(await scans.effects()).toEqual([1, 2])
    expect(await openLetters()).toEqual([])
  })
})

test('a key that another release has freed, and that is blocked anew meanwhile, stays blocked', async () => {
  const id = await parkFirst('a', 0)
  const consumer = await scans.pool.connect()
  armFailpoints(async name => {
    if (name !== 'letter.closed') return
    armFailpoints()
    await releaseForgottenKeys(scans.desk)
    // Stretches the moment between the last look of the redrive and what it does then.
    await consumer.query('begin; lock table blocked_keys in share mode')
  })
  const redriving = redrive(scans.desk, id, nightShift)
  const isWaiting = async () =>
    (await scans.query("select from pg_locks where not granted and relation = 'blocked_keys'::regclass"))
      .length > 0
  let isOver = false
  void redriving.finally(() => {
    isOver = true
  })
  await expect.poll(async () => isOver || (await isWaiting()), { timeout: 10_000 }).toBe(true)
  // As a consumer does that parks the next message.
  await consumer.query(`
    insert into dead_letters (consumer, event_id, topic, "partition", "offset", key, headers, published_at, state)
    values ('scans', 'scanned/0/1', 'scanned', 0, 1, 'a', '{}', now(), 'parked');
    insert into blocked_keys values ('scans', 'scanned', 'a');
    commit`)
  consumer.release()
  expect(await redriving).toEqual({ kind: 'released', handled: 1 })
  expect(await scans.blockedKeys()).toEqual(['a'])
  expect(await scans.handle([message('a', 2)])).toMatchObject({ waiting: 1 })
})

test('a consumer adding to keys while they are redriven, discarded and released: nothing stuck, nothing out of order', async () => {
  const instance = async (numbers: number[], keys: number, cut: number) => {
    for (let at = 0; at < numbers.length; at += cut) {
      const batch = numbers.slice(at, at + cut).map(scan => message(`k${scan % keys}`, scan))
      await handleBatch({ ...scans.settings, attemptsMax: 1 }, batch, new AbortController().signal)
    }
  }
  const operator = async (until: Promise<unknown>) => {
    let isOver = false
    void until.then(() => {
      isOver = true
    })
    for (let rounds = 0; rounds < 10_000; rounds++) {
      const letters = await listDeadLetters(scans.db)
      if (isOver && letters.length === 0) return
      for (const { id, state, source } of letters) {
        if (state !== 'parked') continue
        scans.poison.delete(Number(source.offset))
        await redrive(scans.desk, id, nightShift)
      }
      await releaseForgottenKeys(scans.desk)
    }
    throw new Error('still stuck')
  }
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(119), { maxLength: 25 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 9 }),
      async (poison, keys, cut) => {
        await scans.database.asOwner('truncate effects, inbox, dead_letters, blocked_keys')
        for (const scan of poison) scans.poison.add(scan)
        const consuming = Promise.all([
          instance(range(0, 120), keys, cut),
          instance(range(0, 120), keys, cut + 3),
        ])
        await Promise.all([consuming, operator(consuming), operator(consuming)])
        for (const key of range(0, keys)) {
          expect(await scans.effects(`k${key}`)).toEqual(range(0, 120).filter(scan => scan % keys === key))
        }
        expect(await openLetters()).toEqual([])
        expect(await scans.blockedKeys()).toEqual([])
      },
    ),
    { numRuns: 8, endOnFailure: true },
  )
}, 60_000)
