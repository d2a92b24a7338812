import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from 'scripts/infrastructure/ports'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

/** Real `npm start`s on a data folder and ports of their own; without the UI, which has tests of its own. */
const project = join(import.meta.dirname, '..')
let dataFolder: string
let env: Record<string, string>
const running = new Set<ChildProcess>()

beforeAll(async () => {
  // Private, as mkdtemp makes it: as root Postgres has to find another place for its data.
  dataFolder = mkdtempSync(join(tmpdir(), 'npm-start-test-'))
  const names = ['ORDERS_DB_PORT', 'KAFKA_PORT', 'GATEWAY_PORT', 'ORDERS_PORT', 'PAYMENTS_PORT', 'UI_PORT']
  names.push('GATEWAY_METRICS_PORT', 'ORDERS_METRICS_PORT', 'PAYMENTS_METRICS_PORT')
  const ports = await Promise.all(names.map(async name => [name, String(await freePort())] as const))
  env = { DATA_DIR: dataFolder, ...Object.fromEntries(ports) }
  env.PAYMENTS_DB_PORT = env.ORDERS_DB_PORT!
})

afterAll(async () => {
  await command('stop').ended
  for (const child of running) child.kill('SIGKILL')
  const pointer = join(dataFolder, 'postgres/location')
  try {
    rmSync(join(readFileSync(pointer, 'utf8').trim(), '..'), { recursive: true, force: true })
  } catch {
    // The data was in the folder itself.
  }
  rmSync(dataFolder, { recursive: true, force: true })
})

function command(name: string, args: string[] = [], extra: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['scripts/bootstrap.mjs', name, ...args], {
    cwd: project,
    // A group of its own: a Ctrl-C in a terminal reaches the whole foreground group.
    detached: true,
    env: { ...process.env, ...env, ...extra },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += chunk
    })
  }
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child)
    return { code: code as number | null, output }
  })
  const untilSaid = (text: string) =>
    vi.waitFor(() => expect(output).toContain(text), { timeout: 60_000, interval: 50 })
  return { child, ended, untilSaid }
}

const start = (extra?: Record<string, string>) => command('start', ['--no-ui'], extra)
const recorded = () => JSON.parse(readFileSync(join(dataFolder, 'run.json'), 'utf8'))

const pidOf = (wanted: string): number =>
  recorded().children.find(({ name }: { name: string }) => name === wanted).process.pid

/** Processes of this data folder, by their environment or command line. */
function processesLeft(): string[] {
  const found: string[] = []
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const text = ['cmdline', 'environ'].map(file => readFileSync(`/proc/${pid}/${file}`, 'utf8')).join('\0')
      if (text.includes(dataFolder)) found.push(text.split('\0').slice(0, 3).join(' '))
    } catch {
      // It has ended meanwhile.
    }
  }
  return found
}

async function expectNothingLeft(): Promise<void> {
  await vi.waitFor(() => expect(processesLeft()).toEqual([]), { timeout: 5000 })
  const port = createServer().listen(Number(env.GATEWAY_PORT), '127.0.0.1')
  await once(port, 'listening')
  port.close()
}

test('a second start refuses, a killed service and Postgres come back, Ctrl-C leaves nothing running', async () => {
  const system = start()
  await system.untilSaid('Everything is running.')

  const second = await start().ended
  expect(second.code).toBe(1)
  expect(second.output).toContain(`It runs already (pid ${recorded().owner.pid})`)
  expect(second.output).toContain(`http://127.0.0.1:${env.GATEWAY_PORT}`)

  const history = join(dataFolder, 'history.jsonl')
  const refused = { op: 'a', act: 'open_account', user: 7, amount: '1', from: 1, to: 2, outcome: 'refused' }
  writeFileSync(history, JSON.stringify(refused))
  expect(await command('check-history', [history]).ended).toMatchObject({
    code: 0,
    output: expect.stringContaining('all is well.'),
  })

  for (const name of ['payments-service', 'postgres']) {
    process.kill(pidOf(name), 'SIGKILL')
    await system.untilSaid(`${name} ended (signal SIGKILL); starting it again in 0.25 s.`)
    await system.untilSaid(`${name} is ready again.`)
  }

  process.kill(-system.child.pid!, 'SIGINT')
  const { code, output } = await system.ended
  expect(output).toContain('Stopped in ')
  expect(code).toBe(0)
  await expectNothingLeft()
  expect(await command('stop').ended).toMatchObject({ code: 0, output: 'Nothing is running.\n' })
})

test('what a killed supervisor left behind is stopped by the next start, which npm stop ends', async () => {
  const system = start()
  await system.untilSaid('Everything is running.')
  process.kill(recorded().owner.pid, 'SIGKILL')
  await system.ended

  const next = start()
  await next.untilSaid('The last run was killed and had left')
  await next.untilSaid('Everything is running.')

  const stopped = await command('stop').ended
  expect(stopped).toMatchObject({ code: 0, output: expect.stringContaining('Stopped in ') })
  expect((await next.ended).code).toBe(0)
  await expectNothingLeft()
})

test('a taken port is one message that names the variable, and nothing stays behind', async () => {
  const taken = ['GATEWAY_PORT', 'ORDERS_METRICS_PORT'].map(name =>
    createServer().listen(Number(env[name]), '127.0.0.1'),
  )
  await Promise.all(taken.map(other => once(other, 'listening')))
  const { code, output } = await start().ended
  for (const other of taken) other.close()
  expect(code).toBe(1)
  expect(output).toContain(`port ${env.GATEWAY_PORT}, wanted for gateway (GATEWAY_PORT)`)
  expect(output).toContain(`port ${env.ORDERS_METRICS_PORT}, wanted for metrics (ORDERS_METRICS_PORT)`)
  await expectNothingLeft()
})

test('a data folder that cannot be written is one message', async () => {
  const file = join(dataFolder, 'a-file')
  writeFileSync(file, '')
  const { code, output } = await start({ DATA_DIR: file }).ended
  expect(code).toBe(1)
  expect(output).toMatch(/^Not started\. .*a-file cannot be written: .* set DATA_DIR to another folder\.\n$/)
})
