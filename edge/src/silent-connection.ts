import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { PoolClient } from 'pg'

/**
 * Ends a connection on which the server answers nothing for so long, as when the other end has gone without a word.
 * The `query_timeout` of node-postgres gives up on the statement only: the rollback waits as long again, and the pool
 * hands the connection to the next, for ever. Must be longer than the server's own limit for a statement.
 */
export function leaveWhenSilent(client: PoolClient, silenceMs: number): void {
  const { connection } = client as unknown as { connection: EventEmitter & { stream: Socket } }
  const { stream } = connection
  const write = stream.write.bind(stream)
  let isAsking = false
  let heardAt = 0
  stream.write = ((...args: Parameters<typeof write>) => {
    if (!isAsking) heardAt = performance.now()
    isAsking = true
    return write(...args)
  }) as typeof stream.write
  stream.on('data', () => {
    heardAt = performance.now()
  })
  connection.on('readyForQuery', () => {
    isAsking = false
  })
  const watching = setInterval(() => {
    if (!isAsking || performance.now() - heardAt < silenceMs) return
    const error = new Error(`PostgreSQL has answered nothing for ${silenceMs} ms`)
    stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
  }, silenceMs / 10).unref()
  stream.once('close', () => clearInterval(watching))
}
