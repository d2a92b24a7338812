import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { watchSilence } from 'messaging/silence'
import type { PoolClient } from 'pg'

/**
 * Ends a connection on which the server answers nothing for so long, as when the other end has gone without a word.
 * The `query_timeout` of node-postgres gives up on the statement only: the rollback waits as long again, and the pool
 * hands the connection to the next, for ever. Must be longer than the server's own limit for a statement.
 */
export function leaveWhenSilent(client: PoolClient, silenceMs: number): void {
  const { connection } = client as unknown as { connection: EventEmitter & { stream: Socket } }
  const { heard, answered } = watchSilence(connection.stream, silenceMs, 'PostgreSQL')
  connection.stream.on('data', heard)
  connection.on('readyForQuery', () => answered())
}
