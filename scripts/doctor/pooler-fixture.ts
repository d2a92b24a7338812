import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { PostgresAddress } from 'edge/postgres'
import pg from 'pg'

const readyForQuery = 'Z'.charCodeAt(0)
const idle = 'I'.charCodeAt(0)
const goodbye = 'X'.charCodeAt(0)

/** As PostgreSQL greets a client that it lets in without asking for a password. */
const greeting = Buffer.from([
  ...[0x52, 0, 0, 0, 8, 0, 0, 0, 0], // AuthenticationOk
  ...[0x4b, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1], // BackendKeyData
  ...[readyForQuery, 0, 0, 0, 5, idle],
])

/**
 * A pooler in transaction mode: a client has a connection of the real server from its first byte to the end of its
 * transaction, and next time the one that was given back last. What the server says in between reaches nobody.
 */
export async function startTransactionPooler(to: PostgresAddress) {
  const servers: Socket[] = []
  /** The last one given back is the first to go out, as in PgBouncer. */
  const free: Socket[] = []

  async function connectionOfServer(): Promise<Socket> {
    const known = free.pop()
    if (known) return known
    const client = new pg.Client(to)
    client.on('error', () => {})
    await client.connect()
    // Signed in; from here on the bytes are the proxy's.
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
    servers.push(stream)
    return stream.removeAllListeners('data')
  }

  const proxy = createServer(socket => {
    let attached: Promise<Socket> | undefined
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(greeting)
      socket.on('data', async bytes => {
        if (bytes[0] === goodbye) return
        attached ??= attach()
        ;(await attached).write(bytes)
      })
    })

    async function attach(): Promise<Socket> {
      const server = await connectionOfServer()
      let unread = Buffer.alloc(0)
      server.on('data', bytes => {
        unread = Buffer.concat([unread, bytes])
        while (unread.length >= 5 && unread.length > unread.readInt32BE(1)) {
          const message = unread.subarray(0, unread.readInt32BE(1) + 1)
          unread = unread.subarray(message.length)
          if (message[0] === readyForQuery && message[5] === idle) {
            attached = undefined
            server.removeAllListeners('data').on('data', () => {})
            free.push(server)
          }
          socket.write(message)
        }
      })
      return server
    }
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    address: { ...to, host: '127.0.0.1', port: (proxy.address() as AddressInfo).port },
    async close() {
      proxy.close()
      for (const server of servers) server.destroy()
    },
  }
}
