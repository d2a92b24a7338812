import { stripVTControlCharacters, styleText } from 'node:util'
import { parseLogLine } from '../infrastructure/log-file.ts'

const warning = 40
const failure = 50
/** How pino begins a line of trace, debug or info. */
const harmless = /^\{"level":[123]0,/
const windowMs = 5000
const linesPerWindowMax = 20

type Style = Parameters<typeof styleText>[0]
const prefixColours: Style[] = ['cyan', 'magenta', 'blue', 'green']

export const say = (line: string): void => console.log(line)

/** A write to a closed pipe is an error that ends Node: `npm start | head` would leave everything unsupervised. */
export function outliveReader(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout })

/**
 * Shows a service's log lines to a person: warnings and errors, or all. A service that cannot reach its
 * database repeats itself many times a second, so each text is shown once in 5 s, and 20 at most; the log file has all of it.
 */
export function logPrinter(service: string, index: number, showAll: boolean, print = say): LogPrinter {
  const prefix = paint(prefixColours[index % prefixColours.length]!, service.padEnd(16))
  let quiet = !showAll
  let windowEndsAt = 0
  const shown = new Set<string>()
  let hidden = 0
  function onLine(line: string): void {
    // Nearly every line under load; to parse it only to leave it out would cost as much as writing it.
    if (!showAll && harmless.test(line)) return
    const entry = parseLogLine(line)
    // What is no log line is a crash or a warning of Node itself.
    const level = entry?.level ?? warning
    if (!line.trim() || (!showAll && level < (quiet ? failure : warning))) return
    const now = Date.now()
    if (now > windowEndsAt) {
      if (hidden > 0) print(`${prefix} … and ${hidden} more lines, all in the log file`)
      windowEndsAt = now + windowMs
      shown.clear()
      hidden = 0
    }
    const text = entry?.text ?? stripVTControlCharacters(line)
    if (!showAll && (shown.has(text) || shown.size >= linesPerWindowMax)) {
      hidden++
      return
    }
    if (!showAll) shown.add(text)
    const details = showAll && entry?.details ? ` ${paint('dim', entry.details)}` : ''
    print(`${prefix} ${label(level)}${text}${details}`)
  }
  return {
    onLine,
    showWarnings: () => {
      quiet = false
    },
  }
}

export type LogPrinter = {
  onLine: (line: string) => void
  /** Until this is called only errors are shown: while all starts side by side, some wait for others and say so. */
  showWarnings: () => void
}

function label(level: number): string {
  if (level >= failure) return paint('red', 'error ')
  return level >= warning ? paint('yellow', 'warn  ') : ''
}
