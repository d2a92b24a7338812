import { hostAndPort } from './host-and-port.ts'
import type { Logger } from './log.ts'

type Listening = { listen(options: { host: string; port: number; backlog: number }): Promise<string> }

/**
 * Connections that wait to be accepted. The kernel drops what is over it, and a client whose connection was dropped
 * tries again after 1, 3, 7 and 15 s: with Node's 511, a burst of clients waited for 30 s. Linux allows 4,096.
 */
const backlog = 4_096

/** Listens, or tells a person what to do and exits with status 1. For main.ts only. */
export async function listenOrExit(
  app: Listening,
  {
    host,
    port,
    portVariable,
    what = address => `${address}/docs lists every call`,
  }: { host: string; port: number; portVariable: string; what?: (address: string) => string },
  log: Logger,
): Promise<void> {
  try {
    const address = await app.listen({ host, port, backlog })
    log.info({ address }, `listening; ${what(address)}`)
  } catch (err) {
    if (Object(err).code === 'EADDRINUSE') {
      log.fatal(`Port ${port} is taken. Stop what listens there, or set ${portVariable} to another one.`)
    } else {
      log.fatal(
        { err },
        `Cannot listen on ${hostAndPort(host, port)}. Set HOST to an address of this machine.`,
      )
    }
    process.exit(1)
  }
}
