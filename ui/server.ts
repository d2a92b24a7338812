import closeWithGrace from 'close-with-grace'
import { ConfigError } from 'edge/config'
import { hostAndPort } from 'edge/host-and-port'
import { listenOrExit } from 'edge/listen'
import { openLog } from 'edge/log'
import { openApp } from './app.ts'
import { buildIfStale } from './build.ts'
import { readConfig } from './config.ts'

const config = configOrExit()
const log = openLog('ui', { LOG_LEVEL: config.LOG_LEVEL, LOG_PRETTY: config.LOG_PRETTY })

if (config.DEV) {
  const { createServer } = await import('vite')
  const dev = await createServer({ configFile: `${import.meta.dirname}/vite.config.ts` })
  await dev.listen(config.UI_PORT)
  log.info(`UI with hot reload on http://${hostAndPort(config.HOST, config.UI_PORT)}`)
  closeWithGrace({ delay: 5_000, logger: false }, () => dev.close())
} else {
  await buildIfStale(log)
  const app = await openApp(config)
  await app.listen({ host: config.HOST, port: config.UI_PORT })
  log.info(`UI on http://${hostAndPort(config.HOST, config.UI_PORT)}, gateway at ${config.GATEWAY_URL}`)
  const desk = config.OPERATOR_TOKEN === undefined ? undefined : await openDesk()
  closeWithGrace({ delay: 5_000, logger: false }, () => Promise.all([app.close(), desk?.close()]))
}

/** The same pages, and the dead-letter desk, where only operators come: see docs/decisions. */
async function openDesk() {
  const { OPERATOR_HOST: host, OPERATOR_PORT: port, ORDERS_URL: orders, PAYMENTS_URL: payments } = config
  const desk = await openApp(config, { orders, payments })
  const what = (address: string) => `dead letters at ${address}/dead-letters`
  await listenOrExit(desk, { host, port, portVariable: 'OPERATOR_PORT', what }, log)
  return desk
}

function configOrExit() {
  try {
    return readConfig()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(2)
  }
}
