import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RelayObserver } from './observer.ts'
import { startRelay } from './relay.ts'
import { openRelayFixture, quiet, type RelayFixture, relayAll } from './relay-fixture.ts'
import { saveRoundTrips } from './round-trips.ts'
import { countPackets } from './round-trips-fixture.ts'
import type { OutgoingMessage } from './transport.ts'

let outbox: RelayFixture
beforeEach(async () => {
  outbox = await openRelayFixture()
})
afterEach(() => outbox.close())

const insertScan = (key: string, scan: number) =>
  `insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
   values ('parcel', '${key}', 'parcel.scanned', '${outbox.topic}', '${key}', '{"scan": ${scan}}')`

test('what was appended is published in order, with CloudEvents headers', async () => {
  await outbox.append('a', 1, 2, 3)
  expect(await relayAll(outbox.openRelay())).toBe(3)
  expect(outbox.scans()).toEqual([1, 2, 3])
  expect(outbox.published[0]).toMatchObject({
    topic: outbox.topic,
    key: 'a',
    headers: {
      ce_specversion: '1.0',
      ce_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      ce_type: 'parcel.scanned',
      ce_source: '/relay-test',
      ce_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d$/),
      ce_subject: 'a',
      'content-type': 'application/json',
    },
  })
})

test('an observer sees each page and its end, may set headers, and holds up nothing when it throws', async () => {
  const ends: unknown[] = []
  const observer: RelayObserver = {
    onPublish(messages, rows) {
      messages.forEach((message, i) => {
        message.headers.traceparent = `of ${rows[i]?.aggregate_id}`
      })
      return error => {
        ends.push(error)
        throw new Error('the observer is broken')
      }
    },
  }
  await outbox.append('a', 1, 2)
  let isBrokerDown = true
  const transport = {
    async publish(messages: OutgoingMessage[]) {
      if (isBrokerDown) throw new Error('no broker')
      await outbox.transport.publish(messages)
    },
  }
  const relay = outbox.openRelay({ observer, transport })
  await expect(relay.relayOnce()).rejects.toThrow('no broker')
  isBrokerDown = false
  expect(await relayAll(relay)).toBe(2)
  expect(outbox.published.map(({ headers }) => headers.traceparent)).toEqual(['of a', 'of a'])
  expect(ends).toEqual([expect.objectContaining({ message: 'no broker' }), undefined])
})

test('the next page is read while one is published, and waits for it: order survives a broker that refuses', async () => {
  await outbox.append('a', 1, 2, 3, 4, 5)
  const seen: unknown[] = []
  let isBrokerDown = true
  const transport = {
    async publish(messages: OutgoingMessage[]) {
      const { ahead } = relay.memoryForTests() as { ahead?: Promise<{ rows: unknown[] }> }
      seen.push((await ahead)?.rows.length)
      if (isBrokerDown) throw new Error('no broker')
      await outbox.transport.publish(messages)
    },
  }
  const relay = outbox.openRelay({ batchSize: 2, transport })
  await expect(relay.relayOnce()).rejects.toThrow('no broker')
  isBrokerDown = false
  expect(await relayAll(relay)).toBe(5)
  expect(outbox.scans()).toEqual([1, 2, 3, 4, 5])
  expect(seen).toEqual([2, 2, 1, undefined])
})

test('a page ends with the event that brings it to batchBytes, counted as they are published', async () => {
  const sizes: number[] = []
  const transport = {
    async publish(messages: OutgoingMessage[]) {
      sizes.push(messages.length)
      await outbox.transport.publish(messages)
    },
  }
  // Repetitive: PostgreSQL stores them in a hundredth of that.
  const scans = range(1, 20).map(scan => `('{"scan": ${scan}, "note": "${'ab'.repeat(50_000)}"}'::json)`)
  await outbox.query(
    `insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
     select 'parcel', 'a', 'parcel.scanned', '${outbox.topic}', 'a', payload from (values ${scans}) as v (payload)`,
  )
  expect(await relayAll(outbox.openRelay({ transport, batchBytes: 350_000 }))).toBe(20)
  expect(sizes).toEqual([4, 4, 4, 4, 4])
  expect(outbox.scans()).toEqual(range(1, 20))
})

test.each([
  { batchSize: 0 },
  { batchSize: 10_001 },
  { batchSize: 1.5 },
  { batchBytes: 0 },
  { batchBytes: Number.NaN },
  { batchBytes: 2 ** 30 + 1 },
])('a page bounded by %o is refused', bounds => {
  const [[name, value]] = Object.entries(bounds) as [[string, number]]
  expect(() => startRelay(outbox.settings(bounds))).toThrow(`${name} is ${value}; it must be a whole number`)
})

test('a pool that would be all the relay’s own is refused: the lease could not be renewed, and nobody could write', async () => {
  const poolOf = (max: number) => new pg.Pool({ ...outbox.database, max })
  for (const max of [1, 2])
    expect(() => startRelay(outbox.settings({ pool: poolOf(max) }))).toThrow(`at most ${max} connections`)
  const pool = poolOf(3)
  const relay = startRelay(outbox.settings({ pool, leaseMs: 300 }))
  await expect.poll(() => relay.isOwner).toBe(true)
  // Past several renewals of the lease.
  await sleep(1_000)
  await outbox.append('a', 1)
  await expect.poll(outbox.scans).toEqual([1])
  await relay.stop()
  await pool.end()
})

test('what was rolled back is never published', async () => {
  const client = await outbox.pool.connect()
  await client.query('begin')
  await client.query(insertScan('a', 1))
  await client.query('rollback')
  client.release()
  await outbox.append('a', 2)
  await relayAll(outbox.openRelay())
  expect(outbox.scans()).toEqual([2])
})

describe('commit order differs from id order', () => {
  test('a transaction that drew its id first and commits last is published, and delays nobody', async () => {
    const relay = outbox.openRelay()
    const late = await outbox.pool.connect()
    await late.query('begin')
    await late.query(insertScan('late', 1))
    for (let scan = 2; scan <= 6; scan++) {
      await outbox.append('other', scan)
      await relayAll(relay)
    }
    expect(outbox.scans()).toEqual([2, 3, 4, 5, 6])
    await late.query('commit')
    late.release()
    await relayAll(relay)
    expect(outbox.scans()).toEqual([2, 3, 4, 5, 6, 1])
  })

  test('late rows in the middle of a window of many pages are in their place', async () => {
    const relay = outbox.openRelay({ batchSize: 10 })
    const late = await outbox.pool.connect()
    await late.query('begin')
    await late.query(insertScan('late', 1))
    await outbox.append('other', ...range(100, 35))
    await relayAll(relay)
    await late.query(insertScan('late', 2))
    await outbox.append('other', ...range(200, 35))
    await late.query(insertScan('late', 3))
    await late.query('commit')
    late.release()
    await outbox.append('other', ...range(300, 5))
    await relayAll(relay)
    expect(outbox.scans()).toEqual([...range(100, 35), 1, 2, ...range(200, 35), 3, ...range(300, 5)])
  })

  /** Connections that begin, append, commit and roll back in any interleaving, with relay rounds in between. */
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ act: fc.constant('append' as const), by: fc.nat(3), key: fc.nat(2) }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('commit' as const), by: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('rollback' as const), by: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('relay' as const) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('crash' as const) }) },
  )

  test('random interleavings lose nothing and reorder nothing within a key', {
    timeout: 60_000,
  }, async () => {
    const clients = await Promise.all(range(0, 4).map(() => outbox.pool.connect()))
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 10, maxLength: 60 }),
          // A payload has 11 to 14 bytes.
          fc.record({
            batchSize: fc.integer({ min: 1, max: 4 }),
            batchBytes: fc.integer({ min: 1, max: 60 }),
          }),
          async (steps, bounds) => {
            const run = new Interleaving(clients, bounds)
            for (const each of steps) await run.apply(each)
            await run.finish()
          },
        ),
        { numRuns: 40 },
      )
    } finally {
      for (const client of clients) client.release(true)
    }
  })

  class Interleaving {
    readonly #clients: pg.PoolClient[]
    readonly #settings: { batchSize: number; batchBytes: number; name: string; cursorRowsMax: number }
    readonly #open = new Map<number, Map<string, number[]>>()
    readonly #committed = new Map<string, number[]>()
    readonly #start = outbox.published.length
    #relay
    static #scan = 0

    constructor(clients: pg.PoolClient[], bounds: { batchSize: number; batchBytes: number }) {
      this.#clients = clients
      this.#settings = { ...bounds, name: 'interleaving', cursorRowsMax: 3 }
      this.#relay = outbox.openRelay(this.#settings)
    }

    async apply(step: { act: string; by?: number; key?: number }): Promise<void> {
      const by = step.by ?? 0
      if (step.act === 'relay') await this.#relay.relayOnce()
      else if (step.act === 'crash') await this.#crash()
      else if (step.act === 'append') await this.#append(by, `key${step.key}`)
      else await this.#end(by, step.act)
    }

    async #append(by: number, key: string): Promise<void> {
      // Who appends under a key has locked it: while another transaction holds it, this one would wait.
      for (const [other, writes] of this.#open) if (other !== by && writes.has(key)) return
      const client = this.#clients[by]!
      if (!this.#open.has(by)) {
        await client.query('begin')
        this.#open.set(by, new Map())
      }
      const scan = ++Interleaving.#scan
      await client.query(insertScan(key, scan))
      const writes = this.#open.get(by)!
      writes.set(key, [...(writes.get(key) ?? []), scan])
    }

    async #end(by: number, act: string): Promise<void> {
      const writes = this.#open.get(by)
      if (!writes) return
      await this.#clients[by]!.query(act)
      this.#open.delete(by)
      if (act === 'rollback') return
      for (const [key, scans] of writes)
        this.#committed.set(key, [...(this.#committed.get(key) ?? []), ...scans])
    }

    /** Another relay goes on from the stored cursor, which lags behind what is published. */
    async #crash(): Promise<void> {
      // Its connection goes with it; the cursor row keeps what was last stored.
      const memory = this.#relay.memoryForTests() as { client: pg.PoolClient } | undefined
      memory?.client.release(true)
      await outbox.query(
        "update relay_cursor set owner = null, lease_until = '-infinity' where name = 'interleaving'",
      )
      this.#relay = outbox.openRelay(this.#settings)
    }

    async finish(): Promise<void> {
      for (const by of [...this.#open.keys()]) await this.#end(by, 'commit')
      await relayAll(this.#relay)
      await this.#relay.release()
      const firstArrivals = new Map<string, number[]>()
      const seen = new Set<number>()
      for (const { key, value } of outbox.published.slice(this.#start)) {
        const { scan } = JSON.parse(value) as { scan: number }
        if (!seen.has(scan)) firstArrivals.set(key!, [...(firstArrivals.get(key!) ?? []), scan])
        seen.add(scan)
      }
      expect(firstArrivals).toEqual(this.#committed)
    }
  }
})

describe('a relay that dies or freezes', () => {
  test('killed between publish and advance: everything arrives, repeats carry the same id', async () => {
    await outbox.append('a', ...range(1, 25))
    const dying = outbox.openRelay({
      batchSize: 10,
      leaseMs: 100,
      transport: {
        async publish(messages: OutgoingMessage[]) {
          await outbox.transport.publish(messages)
          if (outbox.published.length >= 20) throw new Error('killed')
        },
      },
    })
    await dying.relayOnce()
    await expect(dying.relayOnce()).rejects.toThrow('killed')

    const heir = outbox.openRelay({ batchSize: 10 })
    await expect.poll(() => heir.relayOnce().then(({ kind }) => kind)).toBe('published')
    await relayAll(heir)
    const firstArrivals = [...new Set(outbox.scans())]
    expect(firstArrivals).toEqual(range(1, 25))
    expect(outbox.published.length).toBeGreaterThan(25)
    expect(new Set(outbox.ids()).size).toBe(25)
  })

  test('killed before publish: the page that it had claimed is published by its heir', async () => {
    await outbox.append('a', 1, 2)
    const transport = { publish: () => Promise.reject(new Error('killed')) }
    const dying = outbox.openRelay({ leaseMs: 100, transport })
    await expect(dying.relayOnce()).rejects.toThrow('killed')
    const heir = outbox.openRelay()
    await expect.poll(() => heir.relayOnce().then(({ kind }) => kind)).toBe('published')
    expect(outbox.scans()).toEqual([1, 2])
  })

  test('frozen past its lease and thawed: it is fenced, and first arrivals stay in order', async () => {
    await outbox.append('a', ...range(1, 30))
    const thaw = Promise.withResolvers<void>()
    const isFrozen = Promise.withResolvers<void>()
    const frozen = outbox.openRelay({
      batchSize: 10,
      leaseMs: 200,
      cursorRowsMax: 1,
      transport: {
        async publish(messages: OutgoingMessage[]) {
          if (outbox.published.length >= 10) {
            isFrozen.resolve()
            await thaw.promise
          }
          await outbox.transport.publish(messages)
        },
      },
    })
    await frozen.relayOnce()
    const inHand = frozen.relayOnce()
    await isFrozen.promise

    const heir = outbox.openRelay({ batchSize: 4, cursorRowsMax: 1 })
    expect((await heir.relayOnce()).kind).toBe('standby')
    await expect.poll(() => heir.relayOnce().then(({ kind }) => kind)).toBe('published')
    thaw.resolve()
    expect((await inHand).kind).toBe('fenced')
    await relayAll(heir)
    expect([...new Set(outbox.scans())]).toEqual(range(1, 30))
    expect(new Set(outbox.ids()).size).toBe(30)
    // The thawed one may not move the cursor that is no longer its own.
    expect((await frozen.relayOnce()).kind).toBe('standby')
  })

  test('the connection that it gives back keeps the listeners of the pool', async () => {
    const pool = new pg.Pool({ ...outbox.pool.options, password: outbox.pool.options.password, max: 2 })
    pool.on('connect', client => client.on('error', () => {}))
    const relay = outbox.openRelay({ pool })
    await relay.relayOnce()
    await relay.release()
    // Without any, its next user would take the process along when it breaks.
    const clients = [await pool.connect(), await pool.connect()]
    expect(clients.map(client => client.listenerCount('error'))).toEqual([1, 1])
    for (const client of clients) client.release()
    await pool.end()
  })

  test('an owner that slept past its lease asks before it publishes', async () => {
    const sleeper = outbox.openRelay({ leaseMs: 50 })
    await sleeper.relayOnce()
    const heir = outbox.openRelay()
    await expect.poll(() => heir.relayOnce().then(({ kind }) => kind)).toBe('idle')
    await outbox.append('a', 1)
    expect((await sleeper.relayOnce()).kind).toBe('fenced')
    expect(outbox.scans()).toEqual([])
  })

  test('its connection cut: it reads its cursor again and goes on', async () => {
    await outbox.append('a', 1)
    const relay = outbox.openRelay()
    await relay.relayOnce()
    await outbox.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await outbox.append('a', 2)
    await expect
      .poll(() =>
        relayAll(relay).then(
          () => [...new Set(outbox.scans())],
          () => [],
        ),
      )
      .toEqual([1, 2])
  })
})

describe('what publishing costs the database', () => {
  test('no event row is touched, and an idle relay writes nothing', async () => {
    const relay = outbox.openRelay({ batchSize: 50, leaseMs: 60_000 })
    await outbox.append('a', ...range(1, 500))
    await relayAll(relay)
    await relay.release()
    await relayAll(relay)
    const cursor = () => outbox.query("select ctid::text, xmin::text from relay_cursor where name = 'outbox'")
    const before = await cursor()
    for (let round = 0; round < 50; round++) expect((await relay.relayOnce()).kind).toBe('idle')
    expect(await cursor()).toEqual(before)
    await outbox.query('select pg_stat_force_next_flush()')
    const [tuples] = await outbox.query<Record<string, string>>(
      `select sum(n_tup_upd)::int as updated, sum(n_tup_del)::int as deleted, sum(n_dead_tup)::int as dead
       from pg_stat_user_tables where relname like 'outbox%'`,
    )
    expect(tuples).toEqual({ updated: 0, deleted: 0, dead: 0 })
  })

  test('the cursor is stored by rows, by time, and at release', async () => {
    const relay = outbox.openRelay({ batchSize: 10, cursorRowsMax: 30, cursorIntervalMs: 60_000 })
    await outbox.append('a', ...range(1, 25))
    await relayAll(relay)
    const storedAt = async () =>
      (
        await outbox.query<{ published_to: string; window_after: string | null }>(
          'select published_to::text, window_after::text from relay_cursor',
        )
      )[0]!
    expect((await storedAt()).published_to).toBe('3:3:')
    await outbox.append('a', ...range(26, 10))
    await relayAll(relay)
    expect((await storedAt()).published_to).not.toBe('3:3:')
    await outbox.append('a', 40)
    await relayAll(relay)
    await relay.release()
    const heir = outbox.openRelay()
    expect(await relayAll(heir)).toBe(0)
  })

  test('a window and its pages are read by index, with 50,000 published rows in a table never analysed', async () => {
    await outbox.query(
      `insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
       select 'parcel', 'a', 'parcel.scanned', '${outbox.topic}', 'a', '{}' from generate_series(1, 50000)`,
    )
    const [{ snapshot }] = (await outbox.query<{ snapshot: string }>(
      'select pg_current_snapshot()::text as snapshot',
    )) as [{ snapshot: string }]
    await outbox.query(`insert into relay_cursor (name, published_to) values ('outbox', '${snapshot}')`)
    await outbox.append('a', ...range(1, 25))
    const relay = outbox.openRelay({ batchSize: 10 })
    const read = async () => {
      await outbox.query('select pg_stat_force_next_flush()')
      const [row] = await outbox.query<{ seq: number; fetched: number }>(
        "select sum(seq_tup_read)::int as seq, sum(idx_tup_fetch)::int as fetched from pg_stat_user_tables where relname like 'outbox%'",
      )
      return row!
    }
    const before = await read()
    await relayAll(relay)
    // Statistics of the relay's own session arrive when it goes idle.
    await relay.release()
    await expect.poll(async () => (await read()).fetched - before.fetched).toBeGreaterThanOrEqual(25)
    const after = await read()
    expect(after.seq - before.seq).toBe(0)
    expect(after.fetched - before.fetched).toBeLessThan(250)
    expect(outbox.scans()).toEqual(range(1, 25))
  })
})

describe('a database restored to an older state', () => {
  test('read into another cluster: rows of its future and rows of now are both published', async () => {
    await outbox.append('a', 1)
    await relayAll(outbox.openRelay())
    await outbox.query("update outbox set xid = '900000000000'")
    await outbox.query(
      `update relay_cursor set published_to = '800000000000:800000000000:', system_id = 'elsewhere',
              owner = null, lease_until = '-infinity'`,
    )
    await outbox.append('a', 2)
    outbox.published.length = 0
    const relay = outbox.openRelay()
    await relayAll(relay)
    expect(outbox.scans()).toEqual([1, 2])
    expect(await relayAll(relay)).toBe(0)
    await outbox.append('a', 3)
    await relayAll(relay)
    expect(outbox.scans()).toEqual([1, 2, 3])
  })

  test('… also by a cursor that is new there: once, and past the first page', async () => {
    await outbox.append('a', 1, 2, 3)
    await outbox.query("update outbox set xid = '900000000000'")
    const relay = outbox.openRelay({ batchSize: 2 })
    await relayAll(relay, 10)
    expect(outbox.scans()).toEqual([1, 2, 3])
    await outbox.append('a', 4)
    await relayAll(relay, 10)
    expect(outbox.scans()).toEqual([1, 2, 3, 4])
  })

  test('failed over behind a pooler: a snapshot from a lost future is not believed', async () => {
    await outbox.append('a', 1)
    const relay = outbox.openRelay({ cursorIntervalMs: 60_000 })
    await relayAll(relay)
    // As if the server that the relay knows had been ahead: its memory is of transactions that never were here.
    const future = { from: '800000000000:800000000000:' }
    Object.assign(relay.memoryForTests() ?? {}, future)
    await outbox.append('a', 2)
    await expect(relay.relayOnce()).rejects.toThrow('timeline')
    await relayAll(relay)
    expect([...new Set(outbox.scans())]).toEqual([1, 2])
  })
})

describe('waking', () => {
  const sleepy = { pollMinMs: 60_000, pollMaxMs: 60_000 }

  /** Idle, its next poll a minute away. */
  async function startSleepyRelay() {
    const relay = startRelay(outbox.settings(sleepy))
    await expect.poll(() => relay.isOwner).toBe(true)
    await outbox.append('a', 0)
    await expect.poll(() => outbox.scans()).toEqual([0])
    return relay
  }

  test('a commit of its own process brings the relay what it has to publish, and costs no round trip', async () => {
    const relay = await startSleepyRelay()
    const packets = countPackets(outbox.pool)
    await outbox.append('a', 1)
    await expect.poll(() => outbox.scans()).toEqual([0, 1])
    expect(packets()).toBe(1)
    await relay.stop()
  })

  test('of commits at once none waits for a poll, and each event is published once, in the order of its key', async () => {
    const relay = await startSleepyRelay()
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    await Promise.all(
      keys.map(async (key, k) => {
        for (let i = 1; i <= 60; i++) await outbox.append(key, k * 1_000 + i)
      }),
    )
    await expect.poll(() => outbox.published.length).toBe(1 + 6 * 60)
    for (const [k] of keys.entries()) {
      const ofKey = outbox.scans().filter(scan => scan > 0 && Math.floor(scan / 1_000) === k)
      expect(ofKey).toEqual(Array.from({ length: 60 }, (_, i) => k * 1_000 + i + 1))
    }
    await relay.stop()
  })

  test('a commit while a long window is published does not wait for a poll', async () => {
    await outbox.append('a', ...range(1, 25))
    const transport = {
      async publish(messages: OutgoingMessage[]) {
        if (outbox.published.length === 10) await outbox.append('b', 26)
        await outbox.transport.publish(messages)
      },
    }
    const relay = startRelay(outbox.settings({ ...sleepy, transport, batchSize: 10 }))
    try {
      await expect.poll(() => outbox.scans()).toEqual(range(1, 26))
    } finally {
      await relay.stop()
    }
  })

  test('what a commit is bringing is not read beside it: each row is read once, or little more', async () => {
    // Longer than a page is published.
    await makeCommitsWait('pg_sleep(0.02)')
    const { pool, append } = outbox.openPool()
    saveRoundTrips(pool)
    const relay = startRelay(outbox.settings({ ...sleepy, pool }))
    await expect.poll(() => relay.isOwner).toBe(true)
    await Promise.all(
      ['late', 'later', 'latest'].map(async key => {
        for (let i = 0; i < 40; i++) await append(key, i)
      }),
    )
    await expect.poll(() => outbox.published.length).toBe(120)
    await relay.stop()
    // Sessions count what they read by index, and tell it as they end.
    await pool.end()
    await expect.poll(rowsRead).toBeGreaterThanOrEqual(120)
    expect(await rowsRead()).toBeLessThan(1.1 * 120)
  })

  /** Those of keys that begin with "late". */
  const makeCommitsWait = (act: string) =>
    outbox.database.asOwner(`
      create function wait_for_test() returns trigger language plpgsql as $$ begin perform ${act}; return null; end $$;
      create constraint trigger late after insert on outbox_default deferrable initially deferred
      for each row when (new.key like 'late%') execute function wait_for_test()`)

  async function rowsRead(): Promise<number> {
    const [row] = await outbox.query<{ n: number }>(
      "select sum(idx_tup_fetch)::int as n from pg_stat_user_tables where relname like 'outbox%'",
    )
    return row?.n ?? 0
  }

  test('a commit that waits for another holds up no events but its own', async () => {
    const relay = await startSleepyRelay()
    await makeCommitsWait('pg_advisory_xact_lock(1)')
    const blocker = await outbox.pool.connect()
    await blocker.query('select pg_advisory_lock(1)')
    const late = outbox.append('late', 1)
    await outbox.append('a', 2)
    await outbox.append('b', 3)
    await expect.poll(() => outbox.scans()).toEqual([0, 2, 3])
    await blocker.query('select pg_advisory_unlock(1)')
    blocker.release()
    await late
    await expect.poll(() => outbox.scans()).toEqual([0, 2, 3, 1])
    await relay.stop()
  })

  test('where the read that it took along fails, a commit is a commit, and its events are published later', async () => {
    const relay = startRelay(outbox.settings({ ...sleepy, retry: { firstMs: 5, maxMs: 10 } }))
    await expect.poll(() => relay.isOwner).toBe(true)
    await outbox.append('a', 0)
    await expect.poll(() => outbox.scans()).toEqual([0])
    await outbox.database.asOwner('alter function outbox_window rename to mislaid')
    await outbox.append('a', 1)
    await outbox.database.asOwner('alter function mislaid rename to outbox_window')
    // Where the relay itself met the gap it begins again at its stored cursor.
    await expect.poll(() => [...new Set(outbox.scans())]).toEqual([0, 1])
    await relay.stop()
  })

  test('wake() does it for a pool without saveRoundTrips', async () => {
    const relay = await startSleepyRelay()
    const { pool: plain, append } = outbox.openPool()
    await append('a', 1)
    relay.wake()
    await expect.poll(() => outbox.scans()).toEqual([0, 1])
    await relay.stop()
    await plain.end()
  })

  test('a commit in an instance that stands by wakes the owner in another', async () => {
    const owner = await startSleepyRelay()
    const { pool, append } = outbox.openPool()
    saveRoundTrips(pool)
    const standby = startRelay(outbox.settings({ ...sleepy, pool }))
    await expect.poll(() => listeners()).toBe(2)
    await append('a', 1)
    await expect.poll(() => outbox.scans()).toEqual([0, 1])
    expect(standby.isOwner).toBe(false)
    await standby.stop()
    await owner.stop()
    await pool.end()
  })

  const listeners = async () =>
    (
      await outbox.query<{ n: number }>(
        "select count(*)::int as n from pg_stat_activity where datname = current_database() and query like 'listen%'",
      )
    )[0]!.n

  test('without any wake-up, polling finds what was appended', async () => {
    const relay = startRelay(outbox.settings({ pollMinMs: 5, pollMaxMs: 50 }))
    await outbox.append('a', 1)
    await expect.poll(() => outbox.scans()).toEqual([1])
    await relay.stop()
  })

  test('where writers wake nobody it polls four times as soon as where they do', async () => {
    const relay = startRelay(outbox.settings({ pollMinMs: 250, pollMaxMs: 60_000 }))
    const { pool: silent, append } = outbox.openPool()
    /** Until a poll finds it. */
    const publishedAfter = async (scan: number) => {
      const appendedAt = performance.now()
      await append('a', scan)
      await expect.poll(() => outbox.scans().at(-1), { interval: 5, timeout: 5_000 }).toBe(scan)
      return performance.now() - appendedAt
    }
    // It wakes itself once as it begins to listen: the first may be found by that.
    await publishedAfter(1)
    await publishedAfter(2)
    const afterPoll = await publishedAfter(3)
    await outbox.append('a', 4)
    await expect.poll(() => outbox.scans().at(-1), { interval: 5 }).toBe(4)
    const afterWakeUp = await publishedAfter(5)
    expect(afterWakeUp / afterPoll).toBeGreaterThan(2)
    await relay.stop()
    await silent.end()
  })

  test('a stopped relay has drained, and lets a standby take over at once', async () => {
    const first = startRelay(outbox.settings(sleepy))
    await expect.poll(() => first.isOwner).toBe(true)
    await outbox.append('a', ...range(1, 3000))
    await first.stop()
    expect(outbox.scans()).toEqual(range(1, 3000))
    const second = startRelay(outbox.settings())
    await expect.poll(() => second.isOwner).toBe(true)
    await second.stop()
    expect(outbox.published.length).toBe(3000)
  })

  test('stopped twice at once, it drains once', async () => {
    const relay = startRelay(outbox.settings({ batchSize: 50 }))
    await expect.poll(() => relay.isOwner).toBe(true)
    await outbox.append('a', ...range(1, 1000))
    await Promise.all([relay.stop(), relay.stop()])
    expect(outbox.scans()).toEqual(range(1, 1000))
  })

  test.each([
    ['hangs', () => new Promise<void>(() => {})],
    ['is too slow for what there is', () => sleep(150)],
  ])(
    'stopped while the broker %s, it gives its connection back, and what it has not published stays',
    async (_, publish) => {
      await outbox.append('a', ...range(1, 100))
      const { pool } = outbox.openPool()
      const transport = { publish: async () => publish() }
      const relay = startRelay(
        outbox.settings({ pool, transport, log: quiet, batchSize: 10, drainMaxMs: 300, leaseMs: 1_000 }),
      )
      await expect.poll(() => relay.isOwner).toBe(true)
      await sleep(200)
      await relay.stop()
      await expect(Promise.race([pool.end(), sleep(2_000).then(() => 'never')])).resolves.not.toBe('never')
      const heir = outbox.openRelay()
      await expect
        .poll(() => heir.relayOnce().then(({ kind }) => kind), { timeout: 15_000 })
        .toBe('published')
      await relayAll(heir)
      expect(outbox.scans().at(-1)).toBe(100)
    },
  )

  test('a broker that is down is retried until it is back, without a loss', async () => {
    let failures = 3
    const transport = {
      async publish(messages: OutgoingMessage[]) {
        if (failures-- > 0) throw new Error('broker is down')
        await outbox.transport.publish(messages)
      },
    }
    const relay = startRelay(outbox.settings({ transport, log: quiet, retry: { firstMs: 5, maxMs: 10 } }))
    await outbox.append('a', 1, 2)
    relay.wake()
    await expect.poll(() => outbox.scans()).toEqual([1, 2])
    await relay.stop()
  })
})

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i)
}
