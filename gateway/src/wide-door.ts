import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import type { App } from 'edge/app'

/** 32 still let some in seconds late at twice what can be settled. An idle one costs a file descriptor. */
const socketsMax = 128

type Place = { host: string; port: number; backlog: number }

/**
 * Listens on many sockets that share one port. libuv accepts one connection of each in a turn of the event loop
 * (libuv#3696), and at full load a turn takes up to 0.2 s: with one socket new clients were let in after half a minute.
 * On Linux only; elsewhere there is one socket.
 */
export function wideDoor(app: App): { listen(place: Place): Promise<string> } {
  const others: Server[] = []
  let closed: Promise<unknown> | undefined
  app.addHook('preClose', async () => {
    closed = Promise.all(others.map(other => new Promise(resolve => other.close(resolve))))
  })
  // Each counts the connections that it let in.
  app.addHook('onClose', () => closed)
  return {
    async listen(place) {
      if (process.platform !== 'linux') return app.listen(place)
      await refuseTaken(place)
      const shared = { ...place, reusePort: true }
      const address = await app.listen(shared)
      const { address: host, port } = app.server.address() as AddressInfo
      while (others.length < socketsMax - 1) {
        // As an HTTP server does for the sockets that it lets in itself.
        const other = createServer({ noDelay: true }, socket => app.server.emit('connection', socket))
        others.push(other)
        await opened(other, { ...shared, host, port })
      }
      return address
    },
  }
}

/** Whoever shares a port shares it with another gateway, too, which would be given half of the clients. */
async function refuseTaken(place: Place): Promise<void> {
  const alone = createServer()
  await opened(alone, place)
  alone.close()
  await once(alone, 'close')
}

async function opened(server: Server, options: Place & { reusePort?: boolean }): Promise<void> {
  server.listen(options)
  await once(server, 'listening')
}
