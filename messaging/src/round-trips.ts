import { createHash } from 'node:crypto'
import type { Writable } from 'node:stream'
import { type RawBuilder, sql, type Transaction } from 'kysely'
import pg, { type PoolClient, type QueryResult } from 'pg'

/**
 * Makes a connection send what need not wait for each other in one network round trip, and parse each statement once.
 * Give it each new client of a pool: `pool.on('connect', saveRoundTrips)`. Kysely and plain pg work on it as before:
 *
 * - `begin`, and each statement made with `deferred`, waits for the next statement and travels with it.
 * - Statements of a transaction that are asked for at the same time, as by `together`, travel together.
 * - Statements that travel together run in the order asked for. After one that fails the others are not run, and all
 *   reject with its error.
 * - Statements with parameters are named after their text (SHA-1), so that a connection parses and plans them once.
 *   Through PgBouncer that needs 1.21 or newer, with max_prepared_statements above 0.
 *
 * Outside of a transaction each statement travels by itself, and so does everywhere what is no single statement given
 * as text: several in one text, cursors, query objects.
 *
 * Why: an order is four small transactions, and at 100 orders a second half of what a service worked was writing some
 * twelve small packets for them. PostgreSQL worked 2 s of 6.4 on parsing and planning the same dozen statements.
 */
export function saveRoundTrips(client: PoolClient): void {
  const runAlone = client.query.bind(client) as (...args: unknown[]) => unknown
  const types = (client as unknown as { _types: unknown })._types
  let isInTransaction = false
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

  /** Of a trip that could not be sent, begin goes with the next one. */
  function waitAgain(unsent: Statement[]): void {
    if (unsent[0]?.text !== 'begin') return
    const later = gathered
    gathered = []
    void begin()
    gathered.push(...later)
  }

  /** Its callers hear of a failure from the statement that it travels with. */
  function defer(text: string, values: unknown[]): Promise<QueryResult> {
    gather(text, values).catch(() => undefined)
    return Promise.resolve(noAnswer(text))
  }

  function begin(): Promise<QueryResult> {
    isInTransaction = true
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
    send()
    return answer
  }

  function query(text: unknown, values: unknown, ...rest: unknown[]): unknown {
    if (text === 'begin') return begin()
    if (text === 'commit' || text === 'rollback') return end(text)
    const given = Array.isArray(values) ? values : []
    // Text without parameters may be several statements; in a transaction one of them is known by having no `;`.
    const isOne = typeof text === 'string' && (given.length > 0 || (isInTransaction && !text.includes(';')))
    if (!isOne) {
      send()
      return runAlone(text, values, ...rest)
    }
    if (isInTransaction && text.startsWith(mark)) return defer(text, given)
    // What it would undo need not be done.
    if (text.startsWith('rollback to')) gathered = []
    const answer = gather(text, given)
    if (isInTransaction) process.nextTick(send)
    else send()
    const callback = rest.at(-1)
    if (typeof callback !== 'function') return answer
    answer.then(
      result => callback(null, result),
      error => callback(error),
    )
  }
  client.query = query as typeof client.query
}

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

const names = new Map<string, string>()
function nameOf(text: string): string {
  const known = names.get(text)
  if (known !== undefined) return known
  const name = createHash('sha1').update(text).digest('hex')
  names.set(text, name)
  return name
}

/** The parts of pg's inner connection that a trip uses; pg-cursor stands on the same. */
type Connection = {
  stream: Writable
  parsedStatements: Record<string, string>
  submittedNamedStatements: Record<string, string>
  _send(message: Buffer): boolean
  sync(): void
}
type Callback = (error: Error | undefined, result: QueryResult) => void
type PgQuery = {
  name: string
  text: string
  _result: { _types: unknown }
  submit(connection: Connection): Error | null
  handleRowDescription(message: unknown): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: Connection): void
  handleError(error: Error, connection: Connection): void
  handleReadyForQuery(connection: Connection): void
}

/** pg's own query, which knows how to write itself and how to read its answer. */
class Statement extends (pg.Query as unknown as new (
  config: object,
  values: undefined,
  callback: Callback,
) => PgQuery) {
  failure: Error | undefined

  constructor(text: string, values: unknown[], types: unknown, callback: Callback) {
    super({ name: nameOf(text), text, values, queryMode: 'extended' }, undefined, callback)
    this._result._types = types
  }

  override handleError(error: Error, connection: Connection): void {
    this.failure = error
    super.handleError(error, connection)
  }
}

/**
 * Statements between two Syncs of the extended query protocol: PostgreSQL skips all that follow one that fails.
 * To pg's client it is one query. Their callers hear when all is done, since without `begin` they commit together.
 */
class Trip {
  /** pg's client sets it, to end its timer. */
  callback: ((error: Error | null) => void) | undefined
  readonly #statements: Statement[]
  readonly #onUnsent: (statements: Statement[]) => void
  #at = 0
  #isSent = false
  #isOver = false

  constructor(statements: Statement[], onUnsent: (statements: Statement[]) => void) {
    this.#statements = statements
    this.#onUnsent = onUnsent
  }

  /** The statement that is being answered, by which pg's client remembers what is parsed. */
  get name(): string | undefined {
    return this.#statements[this.#at]?.name
  }

  get text(): string | undefined {
    return this.#statements[this.#at]?.text
  }

  /** Writes nothing when one of them cannot be written: it is for pg's client then to tell it. */
  submit(connection: Connection): Error | null {
    const messages: Buffer[] = []
    const writer: Connection = Object.create(connection, {
      _send: { value: (message: Buffer) => messages.push(message) > 0 },
      stream: { value: {} },
      sync: { value: () => undefined },
    })
    for (const statement of this.#statements) {
      const error = statement.submit(writer) ?? statement.failure
      if (error) {
        this.#onUnsent(this.#statements)
        return error
      }
    }
    this.#isSent = true
    connection.stream.cork()
    connection._send(Buffer.concat(messages))
    connection.sync()
    connection.stream.uncork()
    return null
  }

  handleRowDescription(message: unknown): void {
    this.#statements[this.#at]?.handleRowDescription(message)
  }

  handleDataRow(message: unknown): void {
    this.#statements[this.#at]?.handleDataRow(message)
  }

  handleCommandComplete(message: unknown, connection: Connection): void {
    this.#statements[this.#at]?.handleCommandComplete(message, connection)
    this.#at += 1
  }

  handleEmptyQuery(): void {
    this.#at += 1
  }

  handleReadyForQuery(connection: Connection): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const statement of this.#statements) statement.handleReadyForQuery(connection)
    this.callback?.(null)
  }

  handleError(error: Error, connection: Connection): void {
    if (this.#isOver) return
    this.#isOver = true
    // Nothing may run outside of a transaction that did not begin; the connection is of no more use.
    if (this.#isSent && this.text === 'begin') connection.stream.destroy(error)
    for (const statement of this.#statements) {
      // What was not parsed has to be sent again the next time.
      delete connection.submittedNamedStatements[statement.name]
      if (!statement.failure) statement.handleError(error, connection)
    }
    this.callback?.(error)
  }
}
