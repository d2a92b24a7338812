import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

const flushIntervalMs = 100

/** JSON lines on stdout; readable ones where a person watches. */
export function openLog(service: string, config: { LOG_LEVEL: string; LOG_PRETTY: boolean }): Logger {
  const options = { level: config.LOG_LEVEL, base: { service } }
  // Lines share a write: one for each request cost a service and the reader of its log 0.5 ms an order. A full
  // buffer (pino writes 16 KB at once at most), the interval, a fatal line and the end of the process flush; SIGKILL may
  // take the last lines with it.
  if (!config.LOG_PRETTY) {
    return pino(options, pino.destination({ sync: false, minLength: 12_288, periodicFlush: flushIntervalMs }))
  }
  return pino(
    options,
    pretty({ ignore: 'pid,hostname,service', messageFormat: `[${service}] {msg}`, sync: true }),
  )
}
