import type { Logger } from './log.ts'

type Listening = { listen(options: { host: string; port: number }): Promise<string> }

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
    const address = await app.listen({ host, port })
    log.info({ address }, `listening; ${what(address)}`)
  } catch (err) {
    if (Object(err).code === 'EADDRINUSE') {
      log.fatal(`Port ${port} is taken. Stop what listens there, or set ${portVariable} to another one.`)
    } else {
      log.fatal({ err }, `Cannot listen on ${host}:${port}. Set HOST to an address of this machine.`)
    }
    process.exit(1)
  }
}
