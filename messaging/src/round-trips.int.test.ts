import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import pg, { type PoolClient } from 'pg'
import { testDatabase } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isInfrastructureError } from './infrastructure-error.ts'
import { outboxFor } from './outbox.ts'
import { deferred, saveRoundTrips, together } from './round-trips.ts'
import { countPackets } from './round-trips-fixture.ts'

let database: Awaited<ReturnType<typeof testDatabase>>
let pool: pg.Pool
let db: Kysely<unknown>
let packets: () => number

beforeAll(async () => {
  database = await testDatabase('messaging')
  pool = new pg.Pool({ ...database, max: 1 })
  pool.on('connect', client => client.on('error', () => {}))
  saveRoundTrips(pool)
  packets = countPackets(pool)
  db = new Kysely({ dialect: new PostgresDialect({ pool }) })
  await database.asOwner('create table notes (id int primary key, text text); grant all on notes to public')
})

afterAll(async () => {
  await db.destroy()
  await database.drop()
})

async function writesOf(act: () => Promise<unknown>): Promise<number> {
  await pool.query('select 1 as warm')
  const before = packets()
  await act()
  return packets() - before
}

const insert = (id: number) => sql`insert into notes (id, text) values (${id}, ${`note ${id}`})`
const later = (trx: Kysely<unknown>, id: number) => deferred(insert(id)).execute(trx)
const note = (trx: Kysely<unknown>, id: number) => insert(id).execute(trx)
/** A connection that nothing was parsed on yet. */
async function withClient(act: (client: PoolClient) => Promise<void>): Promise<void> {
  const own = new pg.Pool({ ...database, max: 1 })
  saveRoundTrips(own)
  const client = await own.connect()
  client.on('error', () => {})
  await act(client).finally(() => client.release(true))
}

const ids = async () => (await pool.query('select id from notes order by id')).rows.map(({ id }) => id)
const clear = () => pool.query('truncate notes')

test('deferred statements take one round trip, begin and commit included', async () => {
  await clear()
  const act = () =>
    db.transaction().execute(async trx => {
      await later(trx, 1)
      await later(trx, 2)
    })
  expect(await writesOf(act)).toBe(1)
  expect(await ids()).toEqual([1, 2])
})

test('a statement whose answer is waited for takes a round trip, with what was deferred before it', async () => {
  await clear()
  const act = () =>
    db.transaction().execute(async trx => {
      await later(trx, 1)
      const { rows } = await sql`select count(*)::int as n from notes where id > ${0}`.execute(trx)
      expect(rows).toEqual([{ n: 1 }])
      await note(trx, 2)
    })
  expect(await writesOf(act)).toBe(3)
})

test('statements run together take one round trip, and each has its answer', async () => {
  await clear()
  const act = () =>
    db.transaction().execute(async trx => {
      const [first, second] = await together(
        trx,
        trip => sql`select ${1}::int as a`.execute(trip),
        trip => sql`select ${2}::int as b`.execute(trip),
      )
      expect([first.rows, second.rows]).toEqual([[{ a: 1 }], [{ b: 2 }]])
      await later(trx, 1)
    })
  expect(await writesOf(act)).toBe(2)
})

test('outside of a transaction a deferred statement is run at once', async () => {
  await clear()
  await later(db, 1)
  expect(await ids()).toEqual([1])
})

test('a transaction without statements sends nothing', async () => {
  expect(await writesOf(() => db.transaction().execute(async () => undefined))).toBe(0)
})

test('after a statement that fails the others of its trip are not run, and nothing of the transaction stays', async () => {
  await clear()
  await note(db, 2)
  const act = db.transaction().execute(async trx => {
    await later(trx, 1)
    await later(trx, 2)
    await later(trx, 3)
  })
  await expect(act).rejects.toMatchObject({ code: '23505' })
  expect(await ids()).toEqual([2])
})

test('the statement after a deferred one that fails throws what that one met', async () => {
  await clear()
  await note(db, 2)
  const act = db.transaction().execute(async trx => {
    await later(trx, 2)
    await note(trx, 3)
  })
  await expect(act).rejects.toMatchObject({ code: '23505' })
  expect(await ids()).toEqual([2])
})

test('a savepoint bounds what a deferred statement that fails takes with it', async () => {
  await clear()
  await note(db, 2)
  const trx = await db.startTransaction().execute()
  await later(trx, 1)
  await sql`savepoint one`.execute(trx)
  await later(trx, 2)
  await expect(sql`release savepoint one`.execute(trx)).rejects.toMatchObject({ code: '23505' })
  await later(trx, 4)
  await sql`rollback to savepoint one`.execute(trx)
  await later(trx, 3)
  await trx.commit().execute()
  expect(await ids()).toEqual([1, 2, 3])
})

test('a rollback gives up what was deferred', async () => {
  await clear()
  const act = db.transaction().execute(async trx => {
    await note(trx, 1)
    await later(trx, 2)
    throw new Error('changed my mind')
  })
  await expect(act).rejects.toThrow('changed my mind')
  expect(await ids()).toEqual([])
})

test('a commit that travels with a statement that fails does not happen', async () => {
  await clear()
  await note(db, 2)
  await withClient(async client => {
    void client.query('begin')
    const all = ['insert into notes (id) values ($1)', 'insert into notes (id) values ($1 + 1)'].map(text =>
      client.query(text, [1]),
    )
    const outcomes = await Promise.allSettled([...all, client.query('commit')])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await client.query('rollback')
  })
  expect(await ids()).toEqual([2])
})

test('a statement that was never parsed because one before it failed works the next time', async () => {
  await clear()
  const once = (id: number) =>
    db.transaction().execute(trx =>
      together(
        trx,
        trip => sql`select 1 / ${id}::int as first_of_trip`.execute(trip),
        trip => sql`select ${id}::int as second_of_trip`.execute(trip),
      ),
    )
  await expect(once(0)).rejects.toMatchObject({ code: '22012' })
  const [, second] = await once(1)
  expect(second.rows).toEqual([{ second_of_trip: 1 }])
})

test('a value that cannot be written fails its trip before anything is sent', async () => {
  await clear()
  const circle: { self?: unknown } = {}
  circle.self = circle
  const act = db.transaction().execute(trx =>
    together(
      trx,
      trip => note(trip, 1),
      trip => sql`select ${circle}::json`.execute(trip),
    ),
  )
  await expect(act).rejects.toThrow(/circular/i)
  expect(await ids()).toEqual([])
  await note(db, 4)
  expect(await ids()).toEqual([4])
})

test('an event appended before a statement that cannot be written, and is caught, is there after the commit', async () => {
  const append = outboxFor()
  await db.transaction().execute(async trx => {
    await append(trx, [
      { type: 'noted', aggregateType: 'note', aggregateId: '1', topic: 'notes', key: '1', payload: {} },
    ])
    await expect(sql`insert into notes values (40, ${{ amount: 10n }}::json)`.execute(trx)).rejects.toThrow(
      'BigInt',
    )
    await sql`insert into notes (id) values (${41})`.execute(trx)
  })
  const { rows } = await pool.query(
    'select (select count(*)::int from notes where id >= 40) as notes, (select count(*)::int from outbox) as events',
  )
  expect(rows).toEqual([{ notes: 1, events: 1 }])
})

test('a column that is added fails a statement that reads all columns once, and not for ever', async () => {
  await database.asOwner('create table shelves (id int primary key); grant all on shelves to public')
  const read = () => pool.query('select * from shelves where id > $1', [0])
  await read()
  await database.asOwner('alter table shelves add column place text')
  await expect(read()).rejects.toSatisfy(isInfrastructureError)
  expect((await read()).fields.map(({ name }) => name)).toEqual(['id', 'place'])
})

const pooled = {
  'lost a prepared statement': 'deallocate',
  'a prepared statement of another': 'prepare',
}
for (const [what, command] of Object.entries(pooled)) {
  test(`a connection that has ${what} fails a transaction once, and not for ever`, async () => {
    const text = `select $1::int as ${command}`
    const answer = () =>
      db.transaction().execute(async trx => (await trx.executeQuery(CompiledQuery.raw(text, [7]))).rows)
    if (command === 'deallocate') await answer()
    const name = createHash('sha1').update(text).digest('hex')
    await pool.query(`${command} "${name}" ${command === 'prepare' ? 'as select 8' : ''}`)
    await expect(answer()).rejects.toSatisfy(isInfrastructureError)
    expect(await answer()).toEqual([{ [command]: 7 }])
  })
}

test('callbacks of plain pg are called in a transaction too', async () => {
  await withClient(async client => {
    const ask = promisify((text: string, heard: (error: Error, result: pg.QueryResult) => void) =>
      client.query(text, heard),
    )
    expect(await ask('begin')).toMatchObject({ command: 'BEGIN' })
    expect(await ask('select 1 as one')).toMatchObject({ rows: [{ one: 1 }] })
    await expect(ask('select 1 / 0')).rejects.toThrow('division by zero')
    expect(await ask('rollback')).toMatchObject({ command: 'ROLLBACK' })
  })
})

test('a copy in a transaction ends as with plain pg', async () => {
  await withClient(async client => {
    await client.query('begin')
    expect(await client.query('copy (select 1) to stdout')).toMatchObject({ command: 'COPY', rowCount: 1 })
    await expect(client.query('COPY notes from stdin')).rejects.toThrow('No source stream defined')
    await client.query('rollback')
  })
})

test('nothing runs outside of its transaction when begin fails', async () => {
  await clear()
  await withClient(async client => {
    const { stream } = (
      client as unknown as {
        connection: { stream: { _write(chunk: Buffer, encoding: string, done: unknown): void } }
      }
    ).connection
    // The server is told to begin something it does not know.
    const write = stream._write
    stream._write = function (chunk, encoding, done) {
      const at = chunk.indexOf('begin\0')
      if (at >= 0) chunk.write('bogus', at)
      write.call(this, chunk, encoding, done)
    }
    void client.query('begin')
    const outcomes = await Promise.allSettled([
      client.query('insert into notes (id) values ($1)', [1]),
      client.query('insert into notes (id) values ($1)', [2]),
      client.query('commit'),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(client.query('insert into notes (id) values ($1)', [3])).rejects.toThrow()
  })
  expect(await ids()).toEqual([])
})

test('outside of a transaction statements asked for together do not share their fate', async () => {
  await clear()
  await withClient(async client => {
    const outcomes = await Promise.allSettled([
      client.query('insert into notes (id) values ($1)', [1]),
      client.query('insert into notes (id) values ($1 / 0)', [1]),
      client.query('insert into notes (id) values ($1)', [3]),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
  expect(await ids()).toEqual([1, 3])
})

test('text without parameters stays in its place among statements of a transaction', async () => {
  await clear()
  await withClient(async client => {
    await client.query('begin')
    const [, found] = await Promise.all([
      client.query('insert into notes (id) values ($1)', [1]),
      client.query('select id from notes; select count(*)::int as n from notes'),
    ])
    expect((found as unknown as pg.QueryResult[])[1]?.rows).toEqual([{ n: 1 }])
    await client.query('rollback')
  })
  expect(await ids()).toEqual([])
})

test('a connection that breaks in mid-trip rejects all of it, and the pool opens another', async () => {
  await clear()
  const act = db.transaction().execute(async trx => {
    await later(trx, 1)
    await deferred(sql`select pg_terminate_backend(pg_backend_pid()), ${1}::int`).execute(trx)
  })
  await expect(act).rejects.toThrow()
  expect(await ids()).toEqual([])
})

test('of texts that have their values in them a connection keeps 500, and answers right past those', async () => {
  const own = new pg.Pool({ ...database, max: 1 })
  own.on('error', () => {})
  saveRoundTrips(own)
  const client = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: own }) })
  for (let id = 0; id < 600; id++) {
    const answers = await client.transaction().execute(trx =>
      together(
        trx,
        trip => sql.raw(`set local notes.by = '${id}'`).execute(trip),
        trip => sql.raw<object>(`select ${id} as literal`).execute(trip),
        trip => sql<object>`select current_setting('notes.by') || ${id}::text as by`.execute(trip),
      ),
    )
    expect(answers.map(({ rows }) => rows)).toEqual([[], [{ literal: id }], [{ by: `${id}${id}` }]])
  }
  const { rows } = await own.query('select count(*)::int as kept from pg_prepared_statements')
  expect(rows).toEqual([{ kept: 500 }])
  await client.destroy()
})

test('a connection parses a statement with parameters once, and answers right each time', async () => {
  for (let i = 1; i <= 8; i++) {
    const { rows } = await pool.query('select unnest($1::int[]) as n', [[i, i + 1]])
    expect(rows).toEqual([{ n: i }, { n: i + 1 }])
  }
  const { rows } = await pool.query(
    `select (generic_plans + custom_plans)::int as runs from pg_prepared_statements where statement like '%as n'`,
  )
  expect(rows).toEqual([{ runs: 8 }])
})
