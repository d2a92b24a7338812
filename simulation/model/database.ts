import type { Pool } from 'pg'
import { followersOf } from '../../messaging/src/commits.ts'
import type { OutboxRow } from '../../messaging/src/envelope.ts'
import type { Instance, Scheduler } from '../scheduler.ts'
import { Locks } from './locks.ts'
import type { CursorRow } from './relay-cursor.ts'

/** Until the server rolls back what a process left behind. */
const noticedMsMax = 2_000

/** A statement without a transaction of its own. */
export type ModelRead = (db: ModelDatabase) => object[]
export type OutboxRecord = OutboxRow & { xid: bigint }

/**
 * A model of PostgreSQL at READ COMMITTED, as far as our statements see it: transaction ids drawn at the first
 * write, snapshots, rows that are there for others from the commit on, row locks, deadlocks. Each statement is one
 * step. `model-against-postgres.int.test.ts` runs the same interleavings on it and on PostgreSQL.
 */
export class ModelDatabase {
  readonly name: string
  readonly scheduler: Scheduler
  readonly locks = new Locks()
  readonly running = new Set<ModelTransaction>()
  readonly outbox: OutboxRecord[] = []
  readonly cursors = new Map<string, CursorRow>()
  /** Rows of all other tables, by `table/primary key`. */
  readonly rows = new Map<string, unknown>()
  /** Writes in the order of their commits. */
  readonly history: { key: string; value: unknown }[] = []
  readonly #committed = new Set<bigint>()
  #nextXid = 1_000n
  #latestEnded = 999n
  #nextOutboxId = 1n

  constructor(name: string, scheduler: Scheduler) {
    this.name = name
    this.scheduler = scheduler
  }

  drawXid = () => this.#nextXid++
  drawOutboxId = () => this.#nextOutboxId++
  isCommitted = (xid: bigint) => this.#committed.has(xid)

  /** pg_current_snapshot(): xmax is one past the latest transaction that has ended, not the next to be drawn. */
  snapshot(): string {
    const xmax = this.#latestEnded + 1n
    const inProgress = [...this.running].flatMap(({ xid }) => (xid !== undefined && xid < xmax ? [xid] : []))
    inProgress.sort((a, b) => Number(a - b))
    return `${inProgress[0] ?? xmax}:${xmax}:${inProgress.join(',')}`
  }

  /** What an instance connects with: stands for its Kysely and its Pool at once. */
  connection(instance: Instance): ModelConnection {
    return new ModelConnection(this, instance)
  }

  end(transaction: ModelTransaction, isCommit: boolean): void {
    if (!this.running.delete(transaction)) return
    const { xid, writes } = transaction
    if (xid !== undefined) {
      if (xid > this.#latestEnded) this.#latestEnded = xid
      if (isCommit) this.#committed.add(xid)
    }
    if (isCommit) {
      for (const [key, value] of writes) {
        this.rows.set(key, value)
        this.history.push({ key, value })
      }
    }
    this.locks.release(transaction)
  }

  /** Its process died: what it asked to commit may still be committed, the rest is rolled back when that is noticed. */
  abandon(instance: Instance): void {
    for (const transaction of [...this.running].filter(({ by }) => by === instance)) {
      const isCommit = transaction.isCommitAsked && this.scheduler.chance(0.5)
      if (isCommit) this.end(transaction, true)
      else this.endLater(transaction)
    }
  }

  endLater(transaction: ModelTransaction): void {
    this.scheduler.after(this.scheduler.between(0, noticedMsMax), () => this.end(transaction, false))
  }
}

export class ModelConnection {
  readonly db: ModelDatabase
  readonly by: Instance

  constructor(db: ModelDatabase, by: Instance) {
    this.db = db
    this.by = by
  }

  /** A statement outside of a transaction. */
  call<Result>(what: string, effect: () => Result): Promise<Result> {
    return this.db.scheduler.call(this.by, `${this.db.name}: ${what}`, effect)
  }

  transaction() {
    return { execute: <Result>(work: (trx: ModelTransaction) => Promise<Result>) => this.#execute(work) }
  }

  async connect(): Promise<ModelConnection> {
    return this
  }
  on(): void {}
  off(): void {}
  release(): void {}

  /** As saveRoundTrips does it: the read of a follower runs after the commit, and its failure undoes nothing. */
  async #commit(transaction: ModelTransaction): Promise<void> {
    const followers = transaction.isFollowed ? [...followersOf(this as unknown as Pool)] : []
    const riders = followers.map(follower => follower.rider())
    const commit = this.call('commit', () => this.db.end(transaction, true))
    commit.catch(() => riders.map(rider => rider?.onAnswer()))
    await commit
    for (const [at, rider] of riders.entries()) {
      if (!rider) followers[at]?.onCommit()
      else {
        const run = rider.values[0] as ModelRead
        rider.onAnswer(await this.call(rider.text, () => run(this.db)).catch(() => undefined))
      }
    }
  }

  async #execute<Result>(work: (trx: ModelTransaction) => Promise<Result>): Promise<Result> {
    const transaction = new ModelTransaction(this)
    this.db.running.add(transaction)
    try {
      const result = await work(transaction)
      transaction.isCommitAsked = true
      await this.#commit(transaction)
      return result
    } catch (error) {
      const isBroken = (error as { code?: string }).code === 'ECONNRESET'
      // The server learns of a broken connection later than its client, and goes on holding the locks until then.
      if (isBroken) this.db.endLater(transaction)
      else this.db.end(transaction, false)
      throw error
    }
  }
}

export class ModelTransaction {
  readonly #connection: ModelConnection
  readonly writes = new Map<string, unknown>()
  xid: bigint | undefined
  isCommitAsked = false
  isFollowed = false

  constructor(connection: ModelConnection) {
    this.#connection = connection
  }

  get db(): ModelDatabase {
    return this.#connection.db
  }
  get by(): Instance {
    return this.#connection.by
  }

  /** A statement begins: what it does until it waits is one step. */
  statement(what: string): Promise<void> {
    return this.#connection.call(what, () => undefined)
  }

  get<Row>(key: string): Row | undefined {
    return (this.writes.get(key) ?? this.db.rows.get(key)) as Row | undefined
  }

  set(key: string, value: unknown): void {
    this.takeXid()
    this.writes.set(key, value)
  }

  /** Drawn at the first write. */
  takeXid(): bigint {
    this.xid ??= this.db.drawXid()
    return this.xid
  }

  /**
   * As a unique index does it: who inserts what another transaction is inserting waits for how that one ends. Answers
   * whether the row is new, and the caller's to write.
   */
  async claim(key: string): Promise<boolean> {
    if (this.get(key)) return false
    await this.lock(key)
    if (!this.get(key)) return true
    this.db.locks.releaseOne(this, key)
    return false
  }

  /** Throws where waiting for it would never end. */
  lock(key: string, mode: 'shared' | 'exclusive' = 'exclusive'): Promise<void> {
    // What a process that died was about to do next is not done: its transaction has been rolled back.
    if (!this.db.running.has(this)) return new Promise(() => {})
    return this.db.locks.take(this, key, mode)
  }
}

/** The model behind what the product calls a Transaction, a Pool or a PoolClient. */
export const modelOf = <Model>(given: unknown): Model => given as Model
