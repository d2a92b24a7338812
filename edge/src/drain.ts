import type { Socket } from 'node:net'
import type { App } from './app.ts'

/** Requests in flight may take so long to end when the app closes; a service has 10 s in all. */
const drainMsMax = 8_000
/** As it closes, Node ends connections that are idle; one that is answered later would stay until its client goes. */
const idleCheckMs = 50

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
  const timers: NodeJS.Timeout[] = []
  app.addHook('preClose', async () => {
    for (const socket of unused) socket.destroy()
    timers.push(
      setInterval(() => app.server.closeIdleConnections(), idleCheckMs),
      setTimeout(() => app.server.closeAllConnections(), drainMsMax),
    )
  })
  // Not when the server is closed: it does not count connections that other sockets let in.
  app.addHook('onClose', async () => {
    for (const timer of timers) clearTimeout(timer)
  })
}
