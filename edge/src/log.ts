import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

const flushIntervalMs = 100
/** pino writes 16 KB at once at most. */
const sharedLength = 12_288

/** JSON lines on stdout; readable ones where a person watches. */
export function openLog(service: string, config: { LOG_LEVEL: string; LOG_PRETTY: boolean }): Logger {
  const options = { level: config.LOG_LEVEL, base: { service } }
  if (!config.LOG_PRETTY) return pino(options, sharedWrites())
  return pino(
    options,
    pretty({ ignore: 'pid,hostname,service', messageFormat: `[${service}] {msg}`, sync: true }),
  )
}

/**
 * Lines share a write: one for each cost a service and the reader of its log 0.5 ms an order. So many characters, the
 * interval, a fatal line and the end of the process write what there is; SIGKILL may take the last lines with it.
 * They are gathered here, since pino's own stream measures all that it holds with each line: 8 KB of garbage for every one.
 */
function sharedWrites() {
  const stdout = pino.destination({ sync: false, minLength: sharedLength })
  let lines = ''
  function pass(): void {
    if (lines === '') return
    const passed = lines
    lines = ''
    stdout.write(passed)
  }
  setInterval(() => {
    pass()
    stdout.flush()
  }, flushIntervalMs).unref()
  // Before the stream's own, which write what it holds.
  process.prependListener('beforeExit', pass)
  process.prependListener('exit', pass)
  return {
    write(line: string): void {
      lines += line
      if (lines.length >= sharedLength) pass()
    },
    flushSync(): void {
      pass()
      stdout.flushSync()
    },
  }
}
