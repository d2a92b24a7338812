import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { optionsOrExit } from 'scripts/command-line'
import { kafkaLibraryFolder, projectFolder } from 'scripts/system/settings'
import { sweepAbandonedRuns } from 'scripts/testing/run-folder'
import { parseChaosOptions } from './options.ts'
import { describeViolation, markdownReport, progressLine, replayCommand } from './report.ts'
import { runChaos } from './run-chaos.ts'

const asked = optionsOrExit(parseChaosOptions(process.argv.slice(2)))
const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '')
const options = { ...asked, folder: join(projectFolder, '.data/chaos', `${stamp}-seed-${asked.seed}`) }
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
