import { openPool } from 'edge/postgres'
import { type ControlledTransaction, sql, type Transaction } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { testDatabase } from 'scripts/test-infrastructure'
import { expect, test } from 'vitest'
import * as realClaims from '../messaging/src/claim-window.ts'
import type { OutboxEvent } from '../messaging/src/event.ts'
import * as realInbox from '../messaging/src/inbox.ts'
import * as realOutbox from '../messaging/src/outbox.ts'
import * as realCursors from '../messaging/src/relay-cursor.ts'
import { emptySnapshot } from '../messaging/src/snapshot.ts'
import { openPaymentsDatabase, type PaymentsDatabase } from '../payments-service/src/database.ts'
import type { Payment, ReceivedTask } from '../payments-service/src/payments/payment.ts'
import * as realPayments from '../payments-service/src/payments/payment-rows.ts'
import * as modelClaims from './model/claim-window.ts'
import { type ModelConnection, ModelDatabase, ModelTransaction } from './model/database.ts'
import * as modelInbox from './model/inbox.ts'
import * as modelOutbox from './model/outbox.ts'
import * as modelPayments from './model/payment-rows.ts'
import * as modelCursors from './model/relay-cursor.ts'
import { Scheduler } from './scheduler.ts'

/**
 * The simulation is worth what its model of PostgreSQL is. Here the same random interleavings of transactions, windows
 * and leases run on the model and, by the product's own statements, on PostgreSQL, and must answer alike, each
 * statement at once or only after the same other transaction has ended.
 */
const runs = 25
const stepsEach = 60
const users = [1, 2, 3]
const now = new Date('2026-11-21T10:00:00Z')
const uuid = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`

type Trx = Transaction<PaymentsDatabase>
const real = {
  ...{ ...realClaims, ...realInbox, ...realCursors, ...realPayments },
  append: realOutbox.outboxFor(),
  async writePayments(...[trx, payments, now]: Parameters<typeof realPayments.writePayments>) {
    await realPayments.writePayments(trx, payments, now)
    await sql`select 'what it travels with'`.execute(trx)
  },
}
type Side = Pick<typeof real, (typeof acts)[number]>
const acts = [
  ...(['takeNew', 'lockBalances', 'findPaid', 'writePayments', 'append'] as const),
  ...(['openWindow', 'nextPage', 'acquireLease', 'renewLease', 'storeCursor', 'releaseLease'] as const),
]
const model: Side = {
  ...{ ...modelClaims, ...modelInbox, ...modelCursors, ...modelPayments },
  append: modelOutbox.outboxFor(),
}

test('the model of PostgreSQL answers as PostgreSQL does', { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= runs; seed++) {
    const database = await testDatabase('payments')
    const pool = openPool(database, 'model', 12)
    const both = new Both(seed, pool)
    try {
      await both.begin()
      for (let step = 0; step < stepsEach; step++) await both.step()
      await both.end()
    } finally {
      // The database goes first: where the two differ, statements may be left that wait for ever.
      await database.drop()
      await both.close()
      await pool.end()
    }
  }
})

/** One act on both sides: the real answer must be there exactly when the model's is, and be the same. */
class Both {
  readonly #seed: number
  readonly #scheduler: Scheduler
  readonly #pool: Pool
  readonly #db: ModelDatabase
  readonly #connection: ModelConnection
  #writers: (Writer | undefined)[] = [undefined, undefined, undefined]
  #readers: Reader[] = []
  #leases: ({ real: realCursors.Lease; model: realCursors.Lease } | undefined)[] = [undefined, undefined]
  #drawn = 0
  readonly #story: string[] = []

  constructor(seed: number, pool: Pool) {
    this.#seed = seed
    this.#pool = pool
    this.#scheduler = new Scheduler(seed)
    this.#db = new ModelDatabase('model', this.#scheduler)
    this.#connection = this.#db.connection({ name: 'one', isDead: false, frozenUntil: 0 })
  }

  async begin(): Promise<void> {
    for (const user of users.slice(1)) {
      this.#db.rows.set(`accounts/${user}`, 100n)
      await this.#pool.query(
        'insert into accounts (id, user_id, balance_minor, created_at, updated_at) values ($1, $2, 100, now(), now())',
        [uuid(user), user],
      )
    }
    for (let reader = 0; reader < 2; reader++) {
      this.#readers.push({ real: emptySnapshot, model: emptySnapshot, client: await this.#pool.connect() })
    }
  }

  async step(): Promise<void> {
    const { pick, between } = this.#scheduler
    const act = between(1, 10)
    if (act <= 6) await this.#write(between(0, this.#writers.length - 1))
    else if (act <= 8) await this.#read(pick(this.#readers))
    else await this.#lease(between(0, 1))
  }

  async end(): Promise<void> {
    for (let left = 0; this.#writers.some(Boolean); left++) {
      if (left > 200) throw new Error(`transactions that never end, ${this.#told()}`)
      for (let i = 0; i < this.#writers.length; i++) await this.#write(i, true)
    }
    for (const reader of this.#readers) await this.#read(reader)
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writers.map(writer => writer?.real.rollback().execute()))
    for (const { client } of this.#readers) client.release(true)
  }

  async #write(index: number, isLast = false): Promise<void> {
    const { pick, between } = this.#scheduler
    const writer = this.#writers[index]
    if (!writer) {
      if (isLast) return
      const db = openPaymentsDatabase(this.#pool)
      const trx = new ModelTransaction(this.#connection)
      this.#db.running.add(trx)
      this.#writers[index] = { real: await db.startTransaction().execute(), model: trx, stage: 0 }
      return
    }
    if (writer.pending) return
    // The order in which the product locks, so that there are no deadlocks to differ in.
    // Nor a second one that waits: which of two goes first is PostgreSQL's to choose.
    const mayWait = this.#writers.every(other => !other?.pending)
    if (!isLast && !mayWait && [0, 1, 3].includes(writer.stage)) return
    const stage = isLast ? 5 : writer.stage++
    const some = <Item>(items: Item[]) => items.filter(() => between(0, 1) === 1)
    const tasks = some(users).map((userId): ReceivedTask => {
      const orderId = uuid(between(1, 6))
      return { userId, orderId, amountMinor: 7n, eventId: 'e', traceparent: undefined }
    })
    if (stage === 0) {
      const ids = some(['a', 'b', 'c', 'd'])
      const received = ids.map(eventId => ({ eventId, source: { ...message, offset: 1n } }))
      await this.#same(writer, 'take', (side, trx) => side.takeNew(trx, 'consumer', received))
    } else if (stage === 1) await this.#same(writer, 'lock', (side, trx) => side.lockBalances(trx, tasks))
    else if (stage === 2) await this.#same(writer, 'find', (side, trx) => side.findPaid(trx, tasks))
    else if (stage === 3) {
      const id = () => uuid(100 + ++this.#drawn)
      const payments = tasks
        .filter((task, i) => tasks.findIndex(({ orderId }) => orderId === task.orderId) === i)
        .map((task): Payment => ({ id: id(), task, createdAt: now, status: 'DECLINED', reason: declined }))
      await this.#same(writer, 'pay', (side, trx) =>
        side.writePayments(trx, payments, now).then(() => 'paid', lostRace),
      )
    } else if (stage === 4) {
      const events = some([1, 2]).map(() => eventOf(++this.#drawn))
      await this.#same(writer, 'append', (side, trx) => side.append(trx, events))
      if (pick([true, false])) writer.stage = 4
    } else await this.#endOf(index, writer, pick(['commit', 'commit', 'rollback'] as const))
  }

  async #endOf(index: number, writer: Writer, how: 'commit' | 'rollback'): Promise<void> {
    this.#story.push(`${index} ${how}`)
    await writer.real[how]().execute()
    this.#db.end(writer.model, how === 'commit')
    this.#writers[index] = undefined
    for (const other of this.#writers) await other?.pending?.()
  }

  async #same<Answer>(
    writer: Writer,
    what: string,
    act: (side: Side, trx: Trx) => Promise<Answer>,
  ): Promise<void> {
    this.#story.push(`${this.#writers.indexOf(writer)} ${what}`)
    const expected = settled(act(model, writer.model as unknown as Trx))
    const found = settled(act(real, writer.real))
    const compare = async () => {
      await this.#scheduler.step()
      await this.#scheduler.step()
      if (expected.isOver) {
        writer.pending = undefined
        const answer = await expected.outcome
        expect(await found.outcome, this.#told()).toEqual(answer)
        if (answer === raceLost) await this.#endOf(this.#writers.indexOf(writer), writer, 'rollback')
      } else {
        writer.pending = compare
        expect(found.isOver, `PostgreSQL did not wait, ${this.#told()}`).toBe(false)
      }
    }
    await compare()
  }

  async #read(reader: Reader): Promise<void> {
    this.#story.push(`read ${this.#readers.indexOf(reader)}`)
    // A payload here has two bytes.
    const bounds = { rows: 3, bytes: this.#scheduler.pick([1, 4, 100]) }
    const [found, expected] = await Promise.all([
      readPage(real, reader.client, reader.real, bounds),
      this.#run(readPage(model, this.#connection as never, reader.model, bounds)),
    ])
    expect([found.isLast, found.rows.map(idOf)], this.#told()).toEqual([
      expected.isLast,
      expected.rows.map(idOf),
    ])
    // As the relay advances.
    reader.real = found.isLast ? found.window.to : found.window
    reader.model = expected.isLast ? expected.window.to : expected.window
  }

  async #lease(index: number): Promise<void> {
    const owner = `owner-${index}`
    const lease = this.#leases[index]
    const act = this.#scheduler.pick(['acquire', 'renew', 'store', 'release'] as const)
    // One that is over at once, or one that no test outlasts.
    const leaseMs = this.#scheduler.pick([0, 1_000_000])
    this.#story.push(`${owner} ${act} ${leaseMs}`)
    if (act === 'acquire') {
      const found = await real.acquireLease(this.#pool, 'outbox', owner, leaseMs)
      const expected = await this.#run(
        model.acquireLease(this.#connection as never, 'outbox', owner, leaseMs),
      )
      expect(found.kind, this.#told()).toBe(expected.kind)
      if (found.kind !== 'owned' || expected.kind !== 'owned') return
      expect([found.lease, found.cursor], this.#told()).toEqual([expected.lease, expected.cursor])
      this.#leases[index] = { real: found.lease, model: expected.lease }
    } else if (lease) {
      const cursor = { publishedTo: '7:7:', window: { to: '9:9:', afterId: String(++this.#drawn) } }
      const run = (side: Side, pool: Pool, of: realCursors.Lease) =>
        act === 'store'
          ? side.storeCursor(pool, of, cursor)
          : act === 'renew'
            ? side.renewLease(pool, of)
            : side.releaseLease(pool, of)
      const found = await run(real, this.#pool, lease.real)
      expect(found, this.#told()).toBe(
        await this.#run<unknown>(run(model, this.#connection as never, lease.model)),
      )
    }
  }

  /** The model's steps are taken by its scheduler. */
  async #run<Answer>(promise: Promise<Answer>): Promise<Answer> {
    const over = settled(promise)
    while (!over.isOver) await this.#scheduler.step()
    return promise
  }

  #told = () => `seed ${this.#seed}: ${this.#story.join(', ')}`
}

type Writer = {
  real: ControlledTransaction<PaymentsDatabase>
  model: ModelTransaction
  stage: number
  pending?: (() => Promise<void>) | undefined
}
type Place = string | realClaims.Window
type Reader = { real: Place; model: Place; client: PoolClient }

async function readPage(side: Side, client: Reader['client'], place: Place, bounds: realClaims.PageBounds) {
  return typeof place === 'string'
    ? side.openWindow(client, place, bounds)
    : side.nextPage(client, place, bounds)
}

function settled<Answer>(promise: Promise<Answer>) {
  const state = { isOver: false, outcome: promise }
  promise.then(
    () => {
      state.isOver = true
    },
    () => {
      state.isOver = true
    },
  )
  return state
}

const raceLost = 'race lost'
/** Whoever loses one is rolled back. */
const lostRace = (error: { code?: string }) => {
  if (error.code === '40001') return raceLost
  throw error
}
const declined = 'insufficient_funds' as const
const idOf = ({ aggregate_id }: { aggregate_id: string }) => aggregate_id
const message = { topic: 't', partition: 0, key: 'k', value: null, headers: {}, timestamp: now }
const eventOf = (n: number): OutboxEvent => ({
  type: 'T',
  topic: 't',
  key: 'k',
  aggregateType: 'a',
  aggregateId: String(n),
  payload: {},
})
