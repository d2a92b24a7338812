import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { embeddedKafka } from './kafka.ts'
import { freePort } from './ports.ts'
import { embeddedPostgres } from './postgres.ts'
import { identify, isAlive } from './processes.ts'
import { claimRun, RunRecord } from './run-record.ts'

const stopMsMax = 2000
let folder: string
let path: string
const children: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-record-test-'))
  path = join(folder, 'run.json')
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function startChild(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  children.push(child)
  await once(child, 'spawn')
  return child
}

/** Leaves the record of a process that was killed, and what it had started. */
async function leaveRecord(child?: ChildProcess): Promise<void> {
  const killed = await startChild()
  const owner = identify(killed.pid!)!
  const record = new RunRecord(path, null)
  if (child) record.add('child', child.pid!, 'SIGTERM')
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), owner }))
}

test('a second claim learns who runs, and harms nothing', async () => {
  const child = await startChild()
  new RunRecord(path, 'details').add('child', child.pid!, 'SIGTERM')
  const claim = await claimRun(path, 'other', stopMsMax)
  expect(claim).toMatchObject({ kind: 'running', state: { details: 'details', owner: { pid: process.pid } } })
  expect(isAlive(identify(child.pid!)!)).toBe(true)
})

test('what a killed owner left running is stopped by the next claim', async () => {
  const child = await startChild()
  await leaveRecord(child)
  const ended = once(child, 'exit')
  expect(await claimRun(path, null, stopMsMax)).toMatchObject({ kind: 'claimed', orphansStopped: ['child'] })
  expect(await ended).toEqual([null, 'SIGTERM'])
})

test('of two claims at once after a crash one learns of the other', async () => {
  await leaveRecord(await startChild())
  const claims = await Promise.all([claimRun(path, null, stopMsMax), claimRun(path, null, stopMsMax)])
  expect(claims.map(({ kind }) => kind).toSorted()).toEqual(['claimed', 'running'])
  expect(await claimRun(path, null, stopMsMax)).toMatchObject({ kind: 'running' })
})

test('a claim that was killed half way is no obstacle', async () => {
  await leaveRecord()
  copyFileSync(path, `${path}.next`)
  expect(await claimRun(path, null, stopMsMax)).toMatchObject({ kind: 'claimed' })
})

test('a pid that was given out again is neither taken for the owner nor stopped', async () => {
  const child = await startChild()
  const record = new RunRecord(path, null)
  record.add('child', child.pid!, 'SIGTERM')
  const state = JSON.parse(readFileSync(path, 'utf8'))
  state.owner.startTime = '1'
  state.children[0].process.startTime = '1'
  writeFileSync(path, JSON.stringify(state))
  expect(await claimRun(path, null, stopMsMax)).toMatchObject({ kind: 'claimed', orphansStopped: [] })
  expect(identify(child.pid!)).toBeDefined()
})

test('Postgres on a taken port says so, and what to do', async () => {
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  await once(other, 'listening')
  const server = await embeddedPostgres({
    folder: join(folder, 'postgres'),
    port,
    logFile: join(folder, 'postgres.log'),
    durable: false,
  })
  await expect(server.daemon.start()).rejects.toThrow(`Port ${port}, wanted for PostgreSQL, is taken`)
  other.close()
  server.remove()
})

test('Kafka on a taken port says so, and what to do', async () => {
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  await once(other, 'listening')
  const server = await embeddedKafka({
    folder: join(folder, 'kafka'),
    port,
    logFile: join(folder, 'kafka.log'),
    runtime: { kind: 'java', java: 'java', libraries: folder },
  })
  await expect(server.daemon.start()).rejects.toThrow(
    /wanted for Kafka, is taken.*set KAFKA_PORT to a free port/,
  )
  other.close()
})

test.runIf(process.getuid?.() === 0)(
  'as root Postgres serves a private folder from a place that its user can enter, and removes it again',
  async () => {
    // mkdtemp makes it 0700, as many home folders are.
    const server = await embeddedPostgres({
      folder: join(folder, 'postgres'),
      port: await freePort(),
      logFile: join(folder, 'postgres.log'),
      durable: false,
    })
    const data = readFileSync(join(folder, 'postgres/location'), 'utf8').trim()
    await server.daemon.start()
    expect(existsSync(join(data, 'postmaster.pid'))).toBe(true)
    await server.daemon.stop()
    server.remove()
    expect(existsSync(data)).toBe(false)
  },
)

test('a postmaster left by a crash is ended, and a pid file left over is no obstacle', async () => {
  const options = { folder: join(folder, 'postgres'), logFile: join(folder, 'p.log'), durable: false }
  const port = await freePort()
  const first = await embeddedPostgres({ ...options, port })
  await first.daemon.start()
  const left = identify(first.daemon.pid!)!
  const second = await embeddedPostgres({ ...options, port })
  await second.daemon.start()
  expect(isAlive(left)).toBe(false)
  await second.daemon.stop()
  const data = existsSync(join(folder, 'postgres/location'))
    ? readFileSync(join(folder, 'postgres/location'), 'utf8').trim()
    : join(folder, 'postgres/data')
  writeFileSync(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n1\n${port}\n\n127.0.0.1\n\nready\n`)
  await second.daemon.start()
  expect(second.daemon.pid).toBeDefined()
  await second.daemon.stop()
  second.remove()
})
