// Plain JavaScript without dependencies: this runs on the machine's own Node (20 or newer), before anything is
// installed, and hands over to the project's Node 24.
import { spawn } from 'node:child_process'
import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const commands = [
  'start',
  'stop',
  'dev',
  'demo',
  'audit',
  'chaos',
  'fuzz',
  'check-history',
  'dead-letters',
  'doctor',
  'replay',
  'test',
  'bench',
]
const nodeMajorMin = 20
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP']

const project = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(project, 'node_modules', '.bin')
const lock = join(project, 'package-lock.json')
// npm keeps a file of its own there, but touches it in other ways than `npm ci` alone.
const stamp = join(project, 'node_modules', '.installed')
const [command, ...args] = process.argv.slice(2)

if (Number(process.versions.node.split('.')[0]) < nodeMajorMin) {
  fail(
    `Node ${nodeMajorMin} or newer is needed, and this is ${process.version}. Install it from https://nodejs.org`,
  )
}
if (!commands.includes(command)) fail(`usage: node scripts/bootstrap.mjs ${commands.join('|')} [arguments]`)

const startedAt = Date.now()
const reason = whyInstall()
if (reason) {
  console.error(`${reason}: running npm ci (a minute or so, only now).`)
  // Not warnings: on a Node older than the project's own there is one for nearly every package.
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--progress=true'])
  const isStopped = stopSignals.some(signal => code === 128 + constants.signals[signal])
  if (isStopped) fail('Stopped before all was installed; the next run begins anew.', code)
  if (code !== 0) fail('npm ci failed. Look at what it says above, correct it and try again.', code)
  writeFileSync(stamp, '')
  const { mtime } = statSync(lock)
  if (mtime > new Date()) utimesSync(stamp, mtime, mtime)
}

process.exit(
  await run(
    join(bin, 'node'),
    [
      '--disable-warning=TimeoutNegativeWarning',
      join(project, command === 'bench' ? 'bench/main.ts' : `scripts/${command}.ts`),
      ...args,
    ],
    {
      ...process.env,
      BOOTSTRAP_STARTED_AT: String(startedAt),
      PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
    },
  ),
)

function whyInstall() {
  if (!existsSync(join(bin, 'node'))) return 'Dependencies are not installed'
  // Installed by hand: npm writes its own mark at the end.
  const marks = [stamp, join(project, 'node_modules', '.package-lock.json')].filter(existsSync)
  const installedAt = Math.max(0, ...marks.map(mark => statSync(mark).mtimeMs))
  return statSync(lock).mtimeMs > installedAt ? 'Dependencies have changed' : undefined
}

/** Runs to the end, passing signals on; answers the exit code a shell would. */
function run(file, args, env = process.env) {
  return new Promise((resolve, reject) => {
    // First, so that no signal comes between.
    for (const signal of stopSignals) process.on(signal, () => child.kill(signal))
    const child = spawn(file, args, { cwd: project, stdio: 'inherit', env })
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}

function fail(message, code = 1) {
  console.error(message)
  process.exit(code)
}
