import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { optionsOrExit } from './command-line.ts'
import { kafkaLibraryFolder, loadEnvironmentFile, projectFolder } from './system/settings.ts'
import { type RunningInfrastructure, startInfrastructure } from './testing/infrastructure.ts'
import { narrowOptions } from './testing/narrow-options.ts'
import { type Count, runCheck, runProject, stopRunning } from './testing/run-steps.ts'
import { checks, parseTestOptions, projects } from './testing/test-options.ts'

const needServers = ['int', 'proof', 'e2e']
const { wanted, filters } = optionsOrExit(
  await narrowOptions(optionsOrExit(parseTestOptions(process.argv.slice(2)))),
)

let servers: RunningInfrastructure | undefined
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)

loadEnvironmentFile()
const results = join(projectFolder, '.data/test-results')
mkdirSync(results, { recursive: true })
mkdirSync(kafkaLibraryFolder, { recursive: true })
const counts: Count[] = []

for (const [name, commands] of Object.entries(checks)) {
  if (wanted.includes(name) && !interrupted) counts.push(await runCheck(name, commands))
}
for (const project of projects.filter(name => wanted.includes(name))) {
  if (interrupted) break
  if (needServers.includes(project)) servers ??= await startServers()
  const env = servers && { TEST_INFRA_RUNNING: JSON.stringify(servers.infrastructure) }
  counts.push(await runProject({ project, filters, resultFile: join(results, `${project}.json`), env }))
}
await servers?.stop()

const sum = (part: 'passed' | 'failed' | 'skipped') => counts.reduce((total, count) => total + count[part], 0)
const failed = interrupted ? Math.max(1, sum('failed')) : sum('failed')
const skipped = sum('skipped')
for (const failure of counts.flatMap(({ failures }) => failures)) console.log(`failed: ${failure}`)
console.log(`\n${sum('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(interrupted ? 130 : failed > 0 || sum('passed') === 0 ? 1 : 0)

async function startServers(): Promise<RunningInfrastructure> {
  const startedAt = Date.now()
  const started = await startInfrastructure()
  const took = ((Date.now() - startedAt) / 1000).toFixed(1)
  console.log(`\nPostgreSQL and Kafka for the tests: ${started.infrastructure.kind}, ready in ${took} s`)
  return started
}

function interrupt(): void {
  interrupted = true
  stopRunning()
}
