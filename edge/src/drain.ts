import type { Socket } from 'node:net'
import type { App } from './app.ts'

/** Requests in flight may take so long to end when the app closes; a service has 10 s in all. */
const drainMsMax = 8_000

/**
 * Lets the app close without waiting for who says nothing: Node closes connections that are idle after a
 * request, but waits a minute for those on which none was sent yet, and browsers open such ones in advance.
 */
export function drainOnClose(app: App): void {
  const unused = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  app.server.on('request', ({ socket }) => unused.delete(socket))
  app.addHook('preClose', async () => {
    for (const socket of unused) socket.destroy()
    const late = setTimeout(() => app.server.closeAllConnections(), drainMsMax)
    app.server.once('close', () => clearTimeout(late))
    late.unref()
  })
}
