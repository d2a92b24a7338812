import closeWithGrace from 'close-with-grace'
import { ConfigError } from 'edge/config'
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
  log.info(`UI with hot reload on http://${config.HOST}:${config.UI_PORT}`)
  closeWithGrace({ delay: 5_000, logger: false }, () => dev.close())
} else {
  await buildIfStale(log)
  const app = await openApp(config)
  await app.listen({ host: config.HOST, port: config.UI_PORT })
  log.info(`UI on http://${config.HOST}:${config.UI_PORT}, gateway at ${config.GATEWAY_URL}`)
  closeWithGrace({ delay: 5_000, logger: false }, () => app.close())
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
