import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

const tailBytesMax = 32 * 1024
/** pino's numbers for warn and error. */
const warningLevel = 40
const failureLevel = 50
const tellsOfFailure = /\b\w*(Error|Exception)\b.*: |\b(FATAL|PANIC|ERROR)\b|[Ff]ailed/
const logBytesMax = 10 * 1024 * 1024

/** Keeps one older file beside a log that has grown past 10 MiB. Called only while nobody writes to it. */
export function rotateLog(path: string): void {
  if (sizeOf(path) > logBytesMax) renameSync(path, `${path}.1`)
}

export function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0
}

/** All lines of a log so far. */
export function readLines(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
}

/** A heading with the list below it, such as the mistakes of a configuration, is told as one. */
const lineOrList = /^.+:(?:\n {2}\S.*)+|^.+/gm

/**
 * The last line that tells of an error, from the file's last 32 KiB and not before byte `from`; else its last line, or
 * nothing where that is routine.
 */
export function lastErrorLine(path: string, from = 0): string | undefined {
  const lines = readTail(path, from).match(lineOrList) ?? []
  const failed = lines.findLast(line => {
    const entry = parseLogLine(line)
    return entry ? entry.level >= failureLevel : tellsOfFailure.test(line)
  })
  const line = failed ?? lines.at(-1)
  if (line === undefined) return undefined
  const entry = parseLogLine(line)
  if (entry) return entry.level >= warningLevel ? entry.text : undefined
  return stripVTControlCharacters(line).trim()
}

const shownOtherwise = new Set([
  'level',
  'time',
  'service',
  'msg',
  'error',
  'err',
  'upstream',
  'pid',
  'hostname',
])

export type LogEntry = { level: number; text: string; details: string }

/** A pino line as its level and one line for people, or undefined where it is something else. */
export function parseLogLine(line: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const entry = JSON.parse(line)
    if (typeof entry.level !== 'number') return undefined
    // An error that repeats the words of its cause is logged with both.
    const reason = String(entry.err?.message ?? entry.error ?? '').replace(/^(.+): \1$/, '$1')
    const parts = [entry.msg, reason !== entry.msg ? reason : undefined, entry.upstream]
    const details = Object.entries(entry)
      .filter(([name, value]) => !shownOtherwise.has(name) && typeof value !== 'object')
      .map(([name, value]) => `${name}=${value}`)
    return { level: entry.level, text: parts.filter(Boolean).join(': '), details: details.join(' ') }
  } catch {
    return undefined
  }
}

function readTail(path: string, from: number): string {
  if (!existsSync(path)) return ''
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    // A file smaller than that was begun anew.
    const start = from > size ? 0 : from
    const buffer = Buffer.alloc(Math.min(size - start, tailBytesMax))
    readSync(file, buffer, 0, buffer.length, size - buffer.length)
    return buffer.toString('utf8')
  } finally {
    closeSync(file)
  }
}
