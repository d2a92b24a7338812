import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'

/**
 * Below the range that Linux and macOS hand to outgoing connections: a client that reconnects to a server
 * that is down would otherwise sooner or later be given the server's own port, and connect to itself.
 */
const portMin = 15_000
const portMax = 32_000
const attemptsMax = 200

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = randomInt(portMin, portMax)
    if (await isPortFree(port)) return port
  }
  throw new Error(`No free port found between ${portMin} and ${portMax} in ${attemptsMax} attempts.`)
}

export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Throws what a person can do about a port that is taken. */
export async function assertPortFree(port: number, wantedFor: string, advice: string): Promise<void> {
  if (await isPortFree(port)) return
  throw new Error(
    `Port ${port}, wanted for ${wantedFor}, is taken by another program. Stop that program, ${advice}.`,
  )
}

/** True where something accepts connections. */
export function accepts(port: number, host: string, timeoutMs = 1000): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host })
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => done(false))
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
}
