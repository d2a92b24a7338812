import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import { expect, test, vi } from 'vitest'
import { logPrinter } from './terminal.ts'

const line = (level: number, msg: string) => JSON.stringify({ level, service: 'a', msg, status: 201 })

function printerOf(showAll: boolean) {
  const printed: string[] = []
  const printer = logPrinter('a', 0, showAll, text => printed.push(stripVTControlCharacters(text)))
  return { printed, printer }
}

test('before all is healthy only errors are shown, then warnings too, and never what is routine', () => {
  const { printed, printer } = printerOf(false)
  for (const level of [30, 40, 50]) printer.onLine(line(level, `early ${level}`))
  printer.showWarnings()
  for (const level of [30, 40, 50]) printer.onLine(line(level, `late ${level}`))
  expect(printed.map(text => text.replace(/ +/g, ' '))).toEqual([
    'a error early 50',
    'a warn late 40',
    'a error late 50',
  ])
})

test('what was refused for an upstream names it', () => {
  const { printed, printer } = printerOf(false)
  printer.showWarnings()
  for (const upstream of ['orders', 'payments'])
    printer.onLine(JSON.stringify({ level: 40, upstream, reason: 'closed', msg: 'upstream_unavailable' }))
  expect(printed.map(text => text.replace(/ +/g, ' '))).toEqual([
    'a warn upstream_unavailable: orders',
    'a warn upstream_unavailable: payments',
  ])
})

test('with everything shown a line carries its fields', () => {
  const { printed, printer } = printerOf(true)
  printer.onLine(line(30, 'request'))
  expect(printed[0]).toMatch(/^a +request status=201$/)
})

test('a line that repeats itself is shown once in 5 s', () => {
  const { printed, printer } = printerOf(false)
  for (let index = 0; index < 30; index++) printer.onLine(line(50, 'no database'))
  expect(printed).toHaveLength(1)
})

test('a flood is cut to 20 lines in 5 s, and what was left out is counted', () => {
  vi.useFakeTimers()
  try {
    const { printed, printer } = printerOf(false)
    for (let index = 0; index < 30; index++) printer.onLine(line(50, `reason ${index}`))
    expect(printed).toHaveLength(20)
    vi.advanceTimersByTime(6000)
    printer.onLine(line(50, 'still none'))
    expect(printed.slice(20)).toEqual([
      expect.stringContaining('10 more lines'),
      expect.stringContaining('still none'),
    ])
  } finally {
    vi.useRealTimers()
  }
})

test('one that speaks goes on when its reader goes away', async () => {
  const script = `
    import { outliveReader, say } from ${JSON.stringify(import.meta.resolve('./terminal.ts'))}
    outliveReader()
    for await (const _ of process.stdin);
    for (let line = 0; line < 3; line++) {
      say('nobody reads this')
      console.error('nor this')
      await new Promise(setImmediate)
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  child.stdout.destroy()
  child.stderr.destroy()
  await Promise.all([once(child.stdout, 'close'), once(child.stderr, 'close')])
  child.stdin.end()
  expect(await once(child, 'exit')).toEqual([0, null])
})
