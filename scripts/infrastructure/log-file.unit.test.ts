import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lastErrorLine } from './log-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-file-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function told(lines: string[], from?: number): string | undefined {
  const path = join(folder, 'a.log')
  writeFileSync(path, lines.map(line => `${line}\n`).join(''))
  return lastErrorLine(path, from)
}
const entry = (level: number, msg: string) => JSON.stringify({ level, msg })

test('an error is told of before what came after it, and without its stack', () => {
  expect(told([entry(50, 'no database'), entry(30, 'request')])).toBe('no database')
  expect(told(['Error: no such table', '    at line 1', '}', 'Node.js v24'])).toBe('Error: no such table')
})

test('of a refused configuration every mistake is told, also one that reads like an error', () => {
  const refusal = [
    'Correct these variables:',
    '  LOG_LEVEL=ERROR must be one of a, b',
    '  GATEWAY_PORT=0 must be >= 1',
  ]
  expect(told([entry(30, 'listening'), ...refusal])).toBe(refusal.join('\n'))
})

test('a last line that is routine says nothing of why it ended; a warning does', () => {
  expect(told([entry(40, 'slow'), entry(30, 'request')])).toBeUndefined()
  expect(told([entry(30, 'request'), entry(40, 'slow')])).toBe('slow')
  expect(told([entry(30, 'request'), 'Killed'])).toBe('Killed')
})

test('what an earlier process wrote is not told of this one', () => {
  const earlier = entry(50, 'no database')
  expect(told([earlier, entry(30, 'request')], earlier.length + 1)).toBeUndefined()
  // The file was begun anew meanwhile.
  expect(told([earlier], 1_000)).toBe('no database')
})

test('the words that an error shares with its cause are told once', () => {
  const failed = (message: string) => JSON.stringify({ level: 50, msg: 'not published', err: { message } })
  expect(told([failed('Request timed out: Request timed out')])).toBe('not published: Request timed out')
  expect(told([failed('no broker: refused')])).toBe('not published: no broker: refused')
})
