import { createHash } from 'node:crypto'
import type { Writable } from 'node:stream'
import pg, { type QueryResult } from 'pg'
import { isOfConnection } from './infrastructure-error.ts'

/** Texts that have their values in them are new each time: kept, they would fill this process, and PostgreSQL's. */
const preparedMax = 500
const namesMax = 10_000

const names = new Map<string, string>()
function nameOf(text: string): string {
  const known = names.get(text)
  if (known !== undefined) return known
  if (names.size >= namesMax) names.clear()
  const name = createHash('sha1').update(text).digest('hex')
  names.set(text, name)
  return name
}

const countOf = (statements: object) => Object.keys(statements).length

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
  values: unknown[]
  queryMode: 'extended' | undefined
  _result: { _types: unknown }
  submit(connection: Connection): Error | null
  handleRowDescription(message: unknown): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: Connection): void
  handleError(error: Error, connection: Connection): void
  handleReadyForQuery(connection: Connection): void
}

/** pg's own query, which knows how to write itself and how to read its answer. */
export class Statement extends (pg.Query as unknown as new (
  text: string,
  values: unknown[],
  callback: Callback,
) => PgQuery) {
  failure: Error | undefined

  constructor(text: string, values: unknown[], types: unknown, callback: Callback) {
    // Given as an object, pg would copy it by its property descriptors, which takes longer than all else here.
    super(text, values, callback)
    this.name = nameOf(text)
    // Also without a name or values: another protocol has no place in a trip.
    this.queryMode = 'extended'
    this._result._types = types
  }

  /** Where a connection has prepared as many as it may, the next ones are parsed each time. */
  override submit(connection: Connection): Error | null {
    const { parsedStatements, submittedNamedStatements } = connection
    const isNew = !(this.name in parsedStatements || this.name in submittedNamedStatements)
    if (isNew && countOf(parsedStatements) + countOf(submittedNamedStatements) >= preparedMax) this.name = ''
    return super.submit(connection)
  }

  override handleError(error: Error, connection: Connection): void {
    this.failure = error
    super.handleError(error, connection)
  }
}

/**
 * Statements between two Syncs of the extended query protocol: PostgreSQL skips all that follow one that fails.
 * To pg's client it is one query. Their callers hear when all is done, since without `begin` they commit together. What
 * a commit has made durable stays so, whatever becomes of its riders.
 */
export class Trip {
  /** pg's client sets it, to end its timer. */
  callback: ((error: Error | null) => void) | undefined
  readonly #statements: Statement[]
  readonly #onUnsent: (statements: Statement[]) => void
  #at = 0
  #committed = 0
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
        this.#onUnsent(this.#statements.filter(other => other !== statement))
        return error
      }
    }
    this.#isSent = true
    connection.sync.call(writer)
    connection._send(Buffer.concat(messages))
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
    if (this.#statements[this.#at - 1]?.text === 'commit') this.#committed = this.#at
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
    // Of no more use: nothing may run outside of a transaction that did not begin, and what is stale here stays so.
    if (this.#isSent && (this.text === 'begin' || isOfConnection(error))) connection.stream.destroy(error)
    for (const statement of this.#statements.slice(0, this.#committed))
      statement.handleReadyForQuery(connection)
    for (const statement of this.#statements.slice(this.#committed)) {
      // What was not parsed has to be sent again the next time.
      delete connection.submittedNamedStatements[statement.name]
      if (!statement.failure) statement.handleError(error, connection)
    }
    this.callback?.(error)
  }
}
