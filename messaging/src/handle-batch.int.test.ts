import { sql, type Transaction } from 'kysely'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Message } from './consumer.ts'
import { type ConsumerFixture, message, openConsumerFixture, range, type Scan } from './consumer-fixture.ts'
import { handleBatch } from './handle-batch.ts'
import { RaceLostError } from './infrastructure-error.ts'

let scans: ConsumerFixture
beforeEach(async () => {
  scans = await openConsumerFixture()
})
afterEach(() => scans.close())

const withId = (scan: number, id: string, offset: number) =>
  message('a', scan, { offset: BigInt(offset), headers: { ce_id: id } })

describe('one effect per message', () => {
  test('twice in one batch, under one event id', async () => {
    const outcome = await scans.handle([withId(1, 'x', 0), withId(1, 'x', 1), withId(2, 'y', 2)])
    expect(outcome).toEqual({ handled: 2, duplicates: 1, parked: 0, waiting: 0 })
    expect(await scans.effects()).toEqual([1, 2])
  })

  test('in two batches', async () => {
    await scans.handle(range(0, 10).map(scan => message('a', scan)))
    const again = await scans.handle(range(5, 15).map(scan => message('a', scan)))
    expect(again).toEqual({ handled: 5, duplicates: 5, parked: 0, waiting: 0 })
    expect(await scans.effects()).toEqual(range(0, 15))
  })

  test('to eight consumers at once, each with the batch cut differently', async () => {
    const all = range(0, 120).map(scan => message(`k${scan % 7}`, scan))
    const runs = range(1, 9).map(async size => {
      for (let at = 0; at < all.length; at += size * 5) await scans.handle(all.slice(at, at + size * 5))
    })
    await Promise.all(runs)
    for (const key of range(0, 7)) {
      expect(await scans.effects(`k${key}`)).toEqual(range(0, 120).filter(scan => scan % 7 === key))
    }
  })

  test('an id in the content counts where there is no event id, also when the place is another', async () => {
    const other = (offset: number) =>
      message('a', 1, { offset: BigInt(offset), value: Buffer.from('{"scan": 1, "id": "order-7"}') })
    await scans.handle([other(1)])
    expect(await scans.handle([other(2)])).toMatchObject({ handled: 0, duplicates: 1 })
  })

  test('without an id, what stands in a known place since the topic was made again is another message', async () => {
    const made = (scan: number, timestamp: string, value = `{"scan": ${scan}}`) =>
      message('a', scan, { offset: 0n, timestamp: new Date(timestamp), value: Buffer.from(value) })
    const [before, after] = ['2026-11-21T10:00:00Z', '2026-11-22T10:00:00Z']
    await scans.handle([made(1, before)])
    expect(await scans.handle([made(2, after)])).toMatchObject({ handled: 1 })
    expect(await scans.handle([made(2, after)])).toMatchObject({ duplicates: 1 })
    expect(await scans.effects()).toEqual([1, 2])
  })

  test('… also where both are put aside: each letter has its own content', async () => {
    const made = (day: number) =>
      message('a', 0, { timestamp: new Date(Date.UTC(2026, 10, day)), value: Buffer.from(`no JSON ${day}`) })
    expect(await scans.handle([made(21)])).toMatchObject({ parked: 1 })
    expect(await scans.handle([made(22)])).toMatchObject({ waiting: 1 })
    expect(await scans.handle([made(22)])).toMatchObject({ duplicates: 1 })
    const { rows } = await sql<{ value: Buffer }>`select value from dead_letters order by id`.execute(
      scans.db,
    )
    expect(rows.map(({ value }) => String(value))).toEqual(['no JSON 21', 'no JSON 22'])
  })

  test('an id that cannot be stored is not used: the place in the topic is', async () => {
    const unusable = ['\\u0000', 'x'.repeat(256)].map((id, offset) =>
      message('a', offset, {
        offset: BigInt(offset),
        value: Buffer.from(`{"scan": ${offset}, "id": "${id}"}`),
      }),
    )
    expect(await scans.handle(unusable)).toMatchObject({ handled: 2 })
    expect(await scans.query('select event_id from inbox order by 1')).toEqual([
      { event_id: 'scanned/0/0' },
      { event_id: 'scanned/0/1' },
    ])
  })
})

describe('the inbox row and the effect exist together or not at all', () => {
  test('a handler that fails after it wrote leaves neither', async () => {
    const seen: object[] = []
    scans.hooks.after = async trx => {
      seen.push((await sql`select from inbox`.execute(trx)).rows)
      throw new Error('after both')
    }
    await handleBatch({ ...scans.settings, attemptsMax: 1 }, [message(null, 1)], new AbortController().signal)
    expect(seen).toEqual([[{}]])
    expect(await scans.effects()).toEqual([])
    expect(await scans.letters()).toMatchObject([
      { state: 'parked', reason: 'Error: after both', attempts: 1 },
    ])
  })

  test('an inbox row that fails when it commits takes the effect with it', async () => {
    await scans.database.asOwner(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no sevens'; end $$;
      create constraint trigger no_seven after insert on inbox deferrable initially deferred
      for each row when (new."offset" = 7) execute function refuse()`)
    await expect(scans.handle([message('a', 7)])).rejects.toThrow('no sevens')
    expect(await scans.effects()).toEqual([])
    expect(await scans.count('inbox')).toBe(0)
    await scans.database.asOwner('drop trigger no_seven on inbox')
    await scans.handle([message('a', 7)])
    expect(await scans.effects()).toEqual([7])
  })

  test('a handler that hides a failed statement does not lose its message', async () => {
    scans.hooks.after = async trx => {
      await sql`select 1 / 0`.execute(trx).catch(() => undefined)
    }
    expect(await scans.handle([message('a', 1)])).toMatchObject({ handled: 0, parked: 1 })
    expect(await scans.effects()).toEqual([])
  })
})

describe('a poison message', () => {
  test('among 500 of many keys is parked alone; its key waits, all others go on in order', async () => {
    const keyOf = (scan: number) => `k${scan % 20}`
    scans.poison.add(205)
    let calls = 0
    scans.hooks.before = async (_, messages) => {
      if (messages.some(({ payload }) => payload.scan === 205)) calls++
    }
    const outcome = await scans.handle(range(0, 500).map(scan => message(keyOf(scan), scan)))
    const waiting = range(206, 500).filter(scan => keyOf(scan) === 'k5')
    expect(outcome).toEqual({
      handled: 499 - waiting.length,
      duplicates: 0,
      parked: 1,
      waiting: waiting.length,
    })
    for (const key of range(0, 20).map(n => `k${n}`)) {
      const all = range(0, 500).filter(scan => keyOf(scan) === key)
      expect(await scans.effects(key)).toEqual(key === 'k5' ? all.filter(scan => scan < 205) : all)
    }
    const letters = await scans.letters()
    expect(letters[0]).toMatchObject({ state: 'parked', reason: 'Error: scan 205 ispoison', attempts: 5 })
    expect(letters.map(({ event_id }) => event_id)).toEqual(
      [205, ...waiting].map(scan => `scanned/0/${scan}`),
    )
    // Alone `attemptsMax` times; before that once in each half that held it.
    expect(calls).toBeLessThanOrEqual(5 + Math.ceil(Math.log2(500)))
    // And what comes in later batches goes on waiting.
    expect(await scans.handle([message('k5', 500), message('k6', 501)])).toMatchObject({
      handled: 1,
      waiting: 1,
    })
  })

  test('waits behind an earlier one of its key, also where it is `lock` that fails at both', async () => {
    const definition = {
      ...scans.definition,
      lock: (trip: Transaction<unknown>, messages: Message<Scan>[]) =>
        sql`select 1 / (3 - least(3, ${Math.max(...messages.map(({ payload }) => payload.scan))}::int))`.execute(
          trip,
        ),
    }
    const outcome = await handleBatch(
      { ...scans.settings, definition },
      [1, 3, 4, 2].map(scan => message('a', scan)),
      new AbortController().signal,
    )
    expect(outcome).toEqual({ handled: 1, duplicates: 0, parked: 1, waiting: 2 })
    expect(await scans.letters()).toMatchObject([
      { event_id: 'scanned/0/3', state: 'parked', attempts: 5 },
      { event_id: 'scanned/0/4', state: 'waiting', reason: null, attempts: 0 },
      { event_id: 'scanned/0/2', state: 'waiting' },
    ])
  })

  test('without a key holds up nobody', async () => {
    scans.poison.add(1)
    const outcome = await scans.handle(range(0, 4).map(scan => message(null, scan)))
    expect(outcome).toEqual({ handled: 3, duplicates: 0, parked: 1, waiting: 0 })
    expect(await scans.blockedKeys()).toEqual([])
    expect(await scans.handle([message(null, 9)])).toMatchObject({ handled: 1 })
  })

  test('of one topic does not block the same key of another, nor another consumer', async () => {
    scans.poison.add(1)
    await scans.handle([message('a', 1)])
    expect(await scans.handle([message('a', 2, { topic: 'weighed' })])).toMatchObject({ handled: 1 })
    const other = { ...scans.settings, definition: { ...scans.definition, name: 'other' } }
    expect(await handleBatch(other, [message('a', 3)], new AbortController().signal)).toMatchObject({
      handled: 1,
    })
  })

  test('that another consumer parked meanwhile is parked once', async () => {
    scans.poison.add(1)
    const outcomes = await Promise.all(
      range(0, 4).map(() => scans.handle([message('a', 1), message('a', 2)])),
    )
    expect(await scans.letters()).toMatchObject([{ state: 'parked' }, { state: 'waiting' }])
    expect(outcomes.reduce((sum, { parked }) => sum + parked, 0)).toBe(1)
    expect(outcomes.every(({ parked, waiting, duplicates }) => parked + waiting + duplicates === 2)).toBe(
      true,
    )
  })

  test('that the inbox has forgotten can be parked again after it was redriven', async () => {
    scans.poison.add(1)
    await scans.handle([message(null, 1)])
    await scans.query("delete from inbox; update dead_letters set state = 'redriven'")
    expect(await scans.handle([message(null, 1)])).toMatchObject({ parked: 1 })
    expect(await scans.letters()).toMatchObject([{ state: 'parked' }])
  })
})

describe('what cannot be decoded is parked at once', () => {
  const broken = {
    'no JSON': Buffer.from('{"scan"'),
    'not UTF-8': Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    'an empty value': Buffer.alloc(0),
    'a value of NUL': Buffer.from('\0'),
  }
  for (const [name, value] of Object.entries(broken)) {
    test(`${name}: it is kept byte by byte, its key waits, the rest of the batch is handled`, async () => {
      const outcome = await scans.handle([
        message('a', 1),
        message('a', 2, { value, headers: { odd: 'h\u0001\ufffd' } }),
        message('a', 3),
        message('b', 4),
      ])
      expect(outcome).toEqual({ handled: 2, duplicates: 0, parked: 1, waiting: 1 })
      expect(await scans.effects()).toEqual([1, 4])
      const [letter] = await scans.query<{
        value: Buffer
        headers: object
        reason: string
        attempts: number
      }>('select value, headers, reason, attempts from dead_letters order by id')
      expect(letter).toMatchObject({ value, headers: { odd: 'h\u0001\ufffd' }, attempts: 0 })
      expect(letter!.reason).toMatch(/^not JSON/)
    })
  }

  test('a tombstone (no value at all), too', async () => {
    scans.definition.decode = ({ value }) =>
      value === null ? { ok: false, reason: 'no value\0' } : { ok: true, payload: { scan: 1 } }
    expect(await scans.handle([message('a', 1, { value: null })])).toMatchObject({ parked: 1 })
    expect(await scans.letters()).toMatchObject([{ reason: 'no value' }])
  })

  test('a decoder that throws is one that refuses', async () => {
    scans.definition.decode = () => {
      throw new TypeError('decoder\0bug')
    }
    expect(await scans.handle([message('a', 1), message('b', 2)])).toMatchObject({ parked: 2 })
    expect((await scans.letters())[0]).toMatchObject({ reason: 'TypeError: decoderbug' })
  })
})

describe('broken infrastructure is waited out', () => {
  /** Ends the session of the handler's own transaction, as often as asked. */
  const endSessions = (times: number) => {
    let left = times
    scans.hooks.after = async trx => {
      if (left-- <= 0) return
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      await scans.query(`select pg_terminate_backend(${rows[0]!.pid}, 5000)`)
    }
  }

  test('a session that ends in mid-batch: all is handled, nothing parked, in order', async () => {
    endSessions(3)
    const outcome = await scans.handle(range(0, 50).map(scan => message(`k${scan % 3}`, scan)))
    expect(outcome).toEqual({ handled: 50, duplicates: 0, parked: 0, waiting: 0 })
    expect(await scans.effects()).toEqual(range(0, 50))
    expect(scans.lines.filter(({ level }) => level === 'warn')).toHaveLength(3)
  })

  test('together with a poison message: an outcome counts each message once', async () => {
    scans.poison.add(3)
    let ended = false
    scans.hooks.after = async (trx, messages) => {
      if (ended || !messages.some(({ payload }) => payload.scan === 7)) return
      ended = true
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      await scans.query(`select pg_terminate_backend(${rows[0]!.pid}, 5000)`)
    }
    const outcome = await scans.handle(range(0, 8).map(scan => message(`k${scan}`, scan)))
    expect(outcome).toEqual({ handled: 7, duplicates: 0, parked: 1, waiting: 0 })
  })

  for (const code of ['26000', '40001', '40P01', '42P05', '57014', '53100']) {
    test(`SQLSTATE ${code} is tried again`, async () => {
      let left = 7
      scans.hooks.after = async trx => {
        if (left-- > 0) {
          await sql`${sql.raw(`do $$ begin raise exception 'broken' using errcode = '${code}'; end $$`)}`.execute(
            trx,
          )
        }
      }
      expect(await scans.handle([message('a', 1)])).toMatchObject({ handled: 1, parked: 0 })
      expect(left).toBeLessThan(0)
    })
  }

  test('a lost race that the handler reports is tried again', async () => {
    let left = 6
    scans.hooks.after = async () => {
      if (left-- > 0) throw new RaceLostError('another was first')
    }
    expect(await scans.handle([message('a', 1)])).toMatchObject({ handled: 1, parked: 0 })
  })

  test('two real transactions that deadlock both end handled', async () => {
    await scans.database.asOwner(`
      create table places (id int primary key, n int default 0); insert into places values (1), (2);
      grant all on places to public`)
    let both = 0
    scans.hooks.before = async (trx, [first]) => {
      const [mine, other] = first!.payload.scan === 1 ? [1, 2] : [2, 1]
      await sql`update places set n = n + 1 where id = ${mine}`.execute(trx)
      both++
      await vi.waitFor(() => expect(both).toBeGreaterThanOrEqual(2), { timeout: 10_000 })
      await sql`update places set n = n + 1 where id = ${other}`.execute(trx)
    }
    const outcomes = await Promise.all([scans.handle([message('a', 1)]), scans.handle([message('b', 2)])])
    expect(outcomes).toMatchObject([{ handled: 1 }, { handled: 1 }])
    expect(both).toBeGreaterThan(2)
    expect(await scans.query('select n from places')).toEqual([{ n: 2 }, { n: 2 }])
  })

  test('the signal ends the waiting; nothing is skipped, and the same messages are handled later', async () => {
    const stopping = new AbortController()
    scans.hooks.after = async () => {
      stopping.abort()
      throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' })
    }
    await expect(scans.handle([message('a', 1)], stopping.signal)).rejects.toThrow()
    expect(await scans.count('inbox')).toBe(0)
    delete scans.hooks.after
    expect(await scans.handle([message('a', 1)])).toMatchObject({ handled: 1 })
  })

  test('the signal ends the attempts at a poison message, too', async () => {
    const stopping = new AbortController()
    scans.poison.add(1)
    scans.hooks.before = async () => stopping.abort()
    const patient = { ...scans.settings, attemptRetry: { firstMs: 60_000, maxMs: 60_000 } }
    await expect(handleBatch(patient, [message('a', 1)], stopping.signal)).rejects.toThrow()
    expect(await scans.letters()).toEqual([])
  })
})

test('afterCommit that throws is logged, and the batch counts as handled', async () => {
  scans.definition.afterCommit = () => {
    throw new Error('relay is gone')
  }
  expect(await scans.handle([message('a', 1)])).toMatchObject({ handled: 1 })
  expect(scans.lines).toMatchObject([
    { level: 'warn', message: expect.stringContaining('afterCommit threw') },
  ])
})
