import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

/** JSON lines on stdout; readable ones where a person watches. */
export function openLog(service: string, config: { LOG_LEVEL: string; LOG_PRETTY: boolean }): Logger {
  const options = { level: config.LOG_LEVEL, base: { service } }
  if (!config.LOG_PRETTY) return pino(options)
  return pino(
    options,
    pretty({ ignore: 'pid,hostname,service', messageFormat: `[${service}] {msg}`, sync: true }),
  )
}
