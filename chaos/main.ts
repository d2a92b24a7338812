import { randomInt } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { kafkaLibraryFolder, projectFolder } from 'scripts/system/settings'
import { sweepAbandonedRuns } from 'scripts/testing/run-folder'
import { describeViolation, markdownReport, progressLine, replayCommand } from './report.ts'
import { type ChaosOptions, runChaos } from './run-chaos.ts'

const usage = `npm run chaos -- [--minutes 5] [--seed N] [--rate 20] [--customers 16] [--instances 2]

Starts a system of its own on free ports, breaks it in every way it knows while customers place orders, and checks at
the end of each round that nothing was lost, doubled, out of order or stuck. The report goes to .data/chaos/; a run
that finds something ends with 1 and leaves history, state and logs there. The seed decides what is broken and when.
Ctrl-C ends it after the step under way, with a check and a report.`

const options = readOptions()
const shownEveryMs = process.stderr.isTTY ? 0 : 10_000
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())

mkdirSync(options.folder, { recursive: true })
mkdirSync(kafkaLibraryFolder, { recursive: true })
await sweepAbandonedRuns()
console.log(
  `Breaking a system of its own for ${options.minutes} minutes, seed ${options.seed}. Again: ${replayCommand(options)}`,
)
let shownAt = Number.NEGATIVE_INFINITY
const result = await runChaos({
  ...options,
  signal: stopping.signal,
  onProgress(progress) {
    if (performance.now() - shownAt < shownEveryMs) return
    shownAt = performance.now()
    const line = progressLine(progress)
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line.slice(0, process.stderr.columns - 1)}`)
    else console.log(line)
  },
})
const hasFound = result.violations.length > 0
const report = markdownReport(result, options, new Date())
writeFileSync(join(options.folder, 'report.md'), report)
writeFileSync(join(options.folder, 'report.json'), `${JSON.stringify({ ...result, options }, null, 2)}\n`)
if (!hasFound) rmSync(join(options.folder, 'logs'), { recursive: true, force: true })
if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K')
const folder = relative(process.cwd(), options.folder)
console.log(`\n${report.split('\n').slice(2, 3).join('\n')}`)
for (const violation of result.violations.slice(0, 20)) console.log(`  ${describeViolation(violation)}`)
console.log(`\nReport: ${folder}/report.md`)
if (hasFound) {
  console.log(`Evidence: ${folder}/ (history.jsonl, state.json, logs/)
Check again: npm run check-history -- ${folder}/history.jsonl --state ${folder}/state.json
Run again:   ${replayCommand(options)}`)
}
process.exit(hasFound ? 1 : 0)

function readOptions(): ChaosOptions {
  const numbers = {
    minutes: { fallback: 5, min: 0, max: 10_000 },
    seed: { fallback: randomInt(1, 1_000_000), min: 0, max: 2 ** 31 },
    rate: { fallback: 20, min: 0.1, max: 10_000 },
    customers: { fallback: 16, min: 1, max: 1_000 },
    instances: { fallback: 2, min: 1, max: 5 },
  }
  const names = Object.keys(numbers) as (keyof typeof numbers)[]
  let values: Record<string, string | boolean | undefined>
  try {
    const known = Object.fromEntries(names.map(name => [name, { type: 'string' as const }]))
    values = parseArgs({ options: { ...known, help: { type: 'boolean' } } }).values
  } catch (error) {
    return exitWith(`${(error as Error).message}\n\n${usage}`, 2)
  }
  if (values.help) return exitWith(usage, 0)
  const read = (name: keyof typeof numbers) => {
    const { fallback, min, max } = numbers[name]
    const value = Number(values[name] ?? fallback)
    if (values[name] === '' || !(value >= min && value <= max)) {
      exitWith(`--${name} is "${values[name]}"; it must be a number from ${min} to ${max}.`, 2)
    }
    return value
  }
  const [minutes, seed, rate, customers, instances] = names.map(read) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '')
  const folder = join(projectFolder, '.data/chaos', `${stamp}-seed-${seed}`)
  return { minutes, seed, rate, customers, instances, folder }
}

function exitWith(text: string, code: number): never {
  console.log(text)
  process.exit(code)
}
