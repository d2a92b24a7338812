import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { gatewayUrlIn } from './system/gateway-url.ts'
import { loadEnvironmentFile, projectFolder } from './system/settings.ts'

/** `npm run fuzz`: schemathesis, in a Python environment of its own, against the system that runs; docs/fuzzing.md. */
const version = '4.32.5'
const settings = join(projectFolder, 'e2e/fuzz')
const folder = join(projectFolder, '.data/fuzz')
const venv = join(folder, `venv-${version}`)

const usage = `npm run fuzz [-- OPTIONS OF SCHEMATHESIS]

Calls a running system in thousands of wrong and right ways, made from its own OpenAPI document: five minutes.
For instance --seed 7 --max-examples 2000, or --phases stateful --max-time 60. docs/fuzzing.md tells more.

Needs Python 3.11 or newer; schemathesis is fetched on the first run, into .data/fuzz/.
Ends with 0 where every answer is as the document says. GATEWAY_URL names the running system; without it, what npm start runs.`

if (process.argv.includes('--help')) {
  console.log(usage)
  process.exit(0)
}
loadEnvironmentFile()
const gatewayUrl = gatewayUrlIn(process.env)
await fetch(`${gatewayUrl}/openapi.json`).catch(() => {
  console.log(
    `Nothing answers at ${gatewayUrl}. Start it: RATE_LIMIT_PER_SECOND=0 npm start. Or set GATEWAY_URL.`,
  )
  process.exit(2)
})
mkdirSync(folder, { recursive: true })
runOrExit('python3', ['-m', 'venv', venv], 'Python 3.11 or newer is needed, with its module venv.')
runOrExit(join(venv, 'bin/pip'), ['install', '-q', `schemathesis==${version}`], 'See what pip says above.')
runOrExit(
  join(venv, 'bin/schemathesis'),
  ['--config-file', join(settings, 'schemathesis.toml'), 'run', '--generation-database', 'none'].concat(
    ['--max-examples', '500', '--seed', '1', ...process.argv.slice(2)],
    `${gatewayUrl}/openapi.json`,
  ),
  'docs/fuzzing.md says what to do about a finding.',
)

function runOrExit(command: string, args: string[], advice: string): void {
  const env = { ...process.env, SCHEMATHESIS_HOOKS: join(settings, 'hooks.py') }
  const { status } = spawnSync(command, args, { cwd: folder, env, stdio: 'inherit' })
  if (status === 0) return
  console.log(advice)
  process.exit(status ?? 2)
}
