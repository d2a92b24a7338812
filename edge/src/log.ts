import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

/** JSON lines on stdout; readable ones where a person watches. */
export function openLog(service: string, config: { LOG_LEVEL: string; LOG_PRETTY: boolean }): Logger {
  const options = { level: config.LOG_LEVEL, base: { service } }
  // Not in step with the request: under load many lines share a write. A fatal line and the end of the process flush.
  if (!config.LOG_PRETTY) return pino(options, pino.destination({ sync: false }))
  return pino(
    options,
    pretty({ ignore: 'pid,hostname,service', messageFormat: `[${service}] {msg}`, sync: true }),
  )
}
