import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'

const module = new URL('log.ts', import.meta.url)

/** What a process of its own does with a log. */
const script = (does: string) => `
  const { openLog } = await import('${module}')
  const log = openLog('test', { LOG_LEVEL: 'info', LOG_PRETTY: false })
  const write = count => { for (let n = 0; n < count; n++) log.info({ n }, '€'.repeat(n % 100)) }
  ${does}`

const args = (does: string) => ['--input-type=module', '--eval', script(does)]

const numbers = (written: string) =>
  written
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).n)
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

test.each([
  ['that comes to its end', 'write(5_000)', 5_000],
  ['that comes to its end with one line', 'write(1)', 1],
  ['that exits at once', 'write(20); process.exit()', 20],
  ['that throws', 'write(20); setImmediate(() => { throw new Error() })', 20],
])('a process %s has written each line once and in order', async (_that, does, count) => {
  const child = execFile(process.execPath, args(does), { maxBuffer: 64 * 1024 * 1024 })
  let written = ''
  child.stdout?.on('data', data => {
    written += data
  })
  await once(child, 'close')
  expect(numbers(written)).toEqual(upTo(count))
})

test('a fatal line is written before anything else can happen, with all before it', async () => {
  const child = spawn(
    process.execPath,
    args("write(20); log.fatal({ n: 20 }, 'gone'); process.kill(process.pid, 'SIGKILL')"),
  )
  let written = ''
  child.stdout.setEncoding('utf8').on('data', data => {
    written += data
  })
  await once(child, 'close')
  expect(numbers(written)).toEqual(upTo(21))
})

test('what a process logs is there soon, though it goes on', async () => {
  const child = spawn(process.execPath, args('write(3); setInterval(() => {}, 1_000)'))
  let written = ''
  child.stdout.setEncoding('utf8').on('data', data => {
    written += data
  })
  await expect.poll(() => written, { timeout: 10_000 }).toMatch(/(.*\n){3}/)
  child.kill('SIGKILL')
  expect(numbers(written)).toEqual(upTo(3))
})
