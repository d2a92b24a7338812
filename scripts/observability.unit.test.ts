import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const rules = join(root, 'observability/prometheus')
const alerts = readFileSync(join(rules, 'alerts.yml'), 'utf8')
  .split(/^ +- alert: /m)
  .slice(1)
const names = alerts.map(alert => alert.split('\n', 1)[0] as string)

test('each alert has a runbook of its name, each runbook an alert, and the index both with the right severity', () => {
  const pages = readdirSync(join(root, 'docs/runbooks')).filter(name => name !== 'README.md')
  expect(pages.toSorted()).toEqual(names.map(name => `${name}.md`).toSorted())
  const index = readFileSync(join(root, 'docs/runbooks/README.md'), 'utf8')
  for (const [i, name] of names.entries()) {
    expect(alerts[i]).toContain(`runbook: docs/runbooks/${name}.md`)
    const [, severity] = /severity: (\w+)/.exec(alerts[i] as string) ?? []
    expect(index).toContain(`| [${name}](${name}.md) | ${severity} |`)
    const page = readFileSync(join(root, `docs/runbooks/${name}.md`), 'utf8')
    expect(page).toMatch(/\*\*What it means\.\*\*.*\*\*What to look at\.\*\*.*\*\*What to do\.\*\*/s)
  }
})

const hasPromtool = spawnSync('promtool', ['--version']).status === 0
test.skipIf(!hasPromtool)('promtool: the rules are right, and raise what their tests say', () => {
  for (const args of [
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
    ['check', 'config', 'prometheus.yml'],
  ])
    execFileSync('promtool', args, { cwd: rules, stdio: 'pipe' })
})

/** Loads what a service loads, and answers which modules of OpenTelemetry's SDK came with it. */
function sdkModulesLoaded(endpoint: object): string[] {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = new Set()
    registerHooks({ load(url, context, next) { loaded.add(url); return next(url, context) } })
    const { startTelemetry } = await import('edge/telemetry/start-telemetry')
    const log = { info() {}, warn() {}, error() {}, debug() {} }
    const config = { HOST: '127.0.0.1', OTEL_TRACES_SAMPLER_ARG: 1, ...${JSON.stringify(endpoint)} }
    const telemetry = await startTelemetry('test', config, { port: undefined, portVariable: '' }, log)
    await telemetry.stop()
    console.log(JSON.stringify([...loaded].filter(url => /opentelemetry.(sdk|exporter|otlp)/.test(url))))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: join(root, 'orders-service'),
    encoding: 'utf8',
  })
  return JSON.parse(output) as string[]
}

test('without an endpoint nothing of the tracing SDK is loaded', () => {
  expect(sdkModulesLoaded({})).toEqual([])
  expect(sdkModulesLoaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })).not.toEqual([])
}, 60_000)
