import type { Pool, PoolClient } from 'pg'

type Stream = Record<'_write' | '_writev', (...args: unknown[]) => unknown>

/** Counts the packets sent over connections of the pool from now on: corked messages leave in one. */
export function countPackets(pool: Pool): () => number {
  let packets = 0
  const count = (client: PoolClient) => {
    const { stream } = (client as unknown as { connection: { stream: Stream } }).connection
    for (const name of ['_write', '_writev'] as const) {
      const write = stream[name]
      stream[name] = function (...args) {
        packets += 1
        return write.apply(this, args)
      }
    }
  }
  for (const client of (pool as unknown as { _clients: PoolClient[] })._clients) count(client)
  pool.on('connect', count)
  return () => packets
}
