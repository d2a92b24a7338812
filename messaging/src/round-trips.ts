import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { Pool, PoolClient, QueryResult } from 'pg'
import { followersOf, isAnnounced } from './commits.ts'
import { Statement, Trip } from './trip.ts'

/**
 * Makes the connections that a pool opens from now on send what need not wait for each other in one network round trip,
 * and parse each statement once. Kysely and plain pg work on it as before:
 *
 * - `begin`, and each statement made with `deferred`, waits for the next statement and travels with it.
 * - Statements of a transaction that are asked for at the same time, as by `together`, travel together.
 * - Statements that travel together run in the order asked for. After one that fails the others are not run, and all
 *   reject with its error.
 * - The commit of a transaction that appended to the outbox takes the relay's next read along, and wakes it.
 * - Statements with parameters are named after their text (SHA-1), so that a connection parses and plans them once: the
 *   first 500 that it is given. Texts with values in them would fill PostgreSQL's memory and ours.
 *   Through PgBouncer that needs 1.21 or newer, with max_prepared_statements above 0.
 *
 * Outside of a transaction each statement travels by itself, and so does everywhere what is no single statement given
 * as text: several in one text, copies, cursors, query objects.
 *
 * Why: an order is four small transactions, and at 100 orders a second half of what a service worked was writing some
 * twelve small packets for them. PostgreSQL worked 2 s of 6.4 on parsing and planning the same dozen statements.
 */
export function saveRoundTrips(pool: Pool): void {
  pool.on('connect', client => bundle(client, pool))
}

function bundle(client: PoolClient, pool: Pool): void {
  const runAlone = client.query.bind(client) as (...args: unknown[]) => unknown
  const types = (client as unknown as { _types: unknown })._types
  let isInTransaction = false
  let isFollowed = false
  let gathered: Statement[] = []

  function gather(text: string, values: unknown[]): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      gathered.push(
        new Statement(text, values, types, (error, result) => (error ? reject(error) : resolve(result))),
      )
    })
  }

  function send(): void {
    if (gathered.length === 0) return
    const trip = new Trip(gathered, waitAgain)
    gathered = []
    runAlone(trip)
  }

  /** Of a trip that could not be sent, what nobody waits for goes with the next one: begin, and what was deferred. */
  function waitAgain(unsent: Statement[]): void {
    const later = gathered
    gathered = []
    for (const { text, values } of unsent)
      if (text === 'begin' || text.startsWith(mark)) void defer(text, values)
    gathered.push(...later)
  }

  /** Its callers hear of a failure from the statement that it travels with. */
  function defer(text: string, values: unknown[]): Promise<QueryResult> {
    gather(text, values).catch(() => undefined)
    return Promise.resolve(noAnswer(text))
  }

  function begin(): Promise<QueryResult> {
    isInTransaction = true
    isFollowed = false
    return defer('begin', [])
  }

  function end(command: 'commit' | 'rollback'): Promise<QueryResult> {
    isInTransaction = false
    const isBeginSent = gathered[0]?.text !== 'begin'
    if (command === 'rollback') gathered = []
    if (!isBeginSent && gathered.length <= 1) {
      gathered = []
      return Promise.resolve(noAnswer(command))
    }
    const answer = gather(command, [])
    if (command === 'commit' && isFollowed) takeAlong(answer)
    send()
    return answer
  }

  function takeAlong(commit: Promise<unknown>): void {
    for (const follower of followersOf(pool)) {
      const rider = follower.rider()
      if (rider) {
        const { text, values, onAnswer } = rider
        gathered.push(
          new Statement(text, values, types, (error, result) => onAnswer(error ? undefined : result.rows)),
        )
      } else {
        commit.then(
          () => follower.onCommit(),
          () => undefined,
        )
      }
    }
  }

  /** Undefined for what is no single statement given as text. */
  function ask(text: unknown, values: unknown): Promise<QueryResult> | undefined {
    if (text === 'begin') return begin()
    if (text === 'commit' || text === 'rollback') return end(text)
    const given = Array.isArray(values) ? values : []
    const isOne = typeof text === 'string' && (given.length > 0 || (isInTransaction && isOneStatement(text)))
    if (!isOne) return undefined
    isFollowed ||= isAnnounced(text)
    if (isInTransaction && text.startsWith(mark)) return defer(text, given)
    // What it would undo need not be done.
    if (text.startsWith('rollback to')) gathered = []
    const answer = gather(text, given)
    if (isInTransaction) process.nextTick(send)
    else send()
    return answer
  }

  function query(text: unknown, ...rest: unknown[]): unknown {
    const answer = ask(text, rest[0])
    if (!answer) {
      send()
      return runAlone(text, ...rest)
    }
    const callback = rest.at(-1)
    if (typeof callback !== 'function') return answer
    answer.then(
      result => callback(null, result),
      error => callback(error),
    )
  }
  client.query = query as typeof client.query
}

/** Text without parameters may be several statements; and a copy from the client has no end that a trip would see. */
const isOneStatement = (text: string): boolean => !text.includes(';') && !/^\s*copy\b/i.test(text)

const mark = '/* travels with the next */ '

/**
 * A statement whose answer nobody needs. In a transaction on a connection of saveRoundTrips it travels with the next
 * statement, at the latest with `commit`, and should it fail, that is what throws. Elsewhere it is run at once.
 */
export const deferred = (statement: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`${sql.raw(mark)}${statement}`

/**
 * Runs acts of one statement each, which do not need each other's answers: they travel together, in the order given.
 * The transaction that they are given takes `sql` statements only.
 */
export function together<DB, Answers extends unknown[]>(
  trx: Transaction<DB>,
  ...acts: { [At in keyof Answers]: (trip: Transaction<DB>) => Promise<Answers[At]> }
): Promise<Answers> {
  const executor = trx.getExecutor()
  return executor.provideConnection(connection => {
    // Kysely lets a transaction run one statement at a time.
    const unqueued = executor.withConnectionProvider({ provideConnection: use => use(connection) })
    const trip = { getExecutor: () => unqueued } as Transaction<DB>
    return Promise.all(acts.map(act => act(trip))) as Promise<Answers>
  })
}

const noAnswer = (command: string): QueryResult => ({
  command: command.toUpperCase(),
  rowCount: null,
  oid: 0,
  fields: [],
  rows: [],
})
