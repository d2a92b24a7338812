import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Daemon } from './daemon.ts'
import { assertPortFree } from './ports.ts'
import { type PostgresBinaries, placeForPostgres } from './postgres-place.ts'
import { identify, startTimeOf, stopProcess } from './processes.ts'
import { run } from './run-command.ts'

export type PostgresAddress = { host: string; port: number; user: string; password: string }

export type PostgresServer = {
  address: PostgresAddress
  daemon: Daemon
  /** Where the data is that lies outside `folder`. */
  dataOutside: string | undefined
  /** Deletes the data, also where it lies outside `folder`. Stop it first. */
  remove(): void
}

export type PostgresOptions = {
  /** Holds the superuser's password and the data, or the pointer to where the data is. */
  folder: string
  port: number
  logFile: string
  /** False only for throw-away servers of tests: a crash of the machine may then lose data. */
  durable: boolean
}

/** For initdb. Built into Postgres: sorts the same on every machine, whatever its own locales are. */
export const locale = [
  '--encoding=UTF8',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--locale=C',
]

const host = '127.0.0.1'
const superuser = 'postgres'

/** Creates the cluster where it is missing. The daemon is not started. */
export async function embeddedPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { folder, port, logFile, durable } = options
  await mkdir(folder, { recursive: true })
  await mkdir(dirname(logFile), { recursive: true })
  const { user, binaries, data, outside } = await placeForPostgres(folder)
  const passwordFile = join(folder, 'superuser.password')
  if (!existsSync(join(data, 'PG_VERSION'))) {
    const password = randomBytes(18).toString('base64url')
    await initialise({ data, binaries, user, password })
    await writeFile(passwordFile, password, { mode: 0o600 })
  }
  const daemon = new Daemon({
    name: 'postgres',
    command: binaries.postgres,
    args: ['-D', data, ...settings(port, durable).flatMap(setting => ['-c', setting])],
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    cwd: '/',
    ...(user && { user }),
    logFile,
    prepare: () => prepareStart(data, port),
    readyOnce: async () => statusOf(data) === 'ready',
    readyMsMax: 60_000,
    // After SIGKILL the backends of the old postmaster need a moment to leave its shared memory.
    startAttemptsMax: 25,
    // Fast shutdown: sessions are ended, then a checkpoint is written.
    stopSignal: 'SIGINT',
    stopMsMax: 20_000,
  })
  return {
    address: { host, port, user: superuser, password: readFileSync(passwordFile, 'utf8') },
    daemon,
    dataOutside: outside ? data : undefined,
    remove: () => {
      rmSync(folder, { recursive: true, force: true })
      if (outside) rmSync(dirname(data), { recursive: true, force: true })
    },
  }
}

function settings(port: number, durable: boolean): string[] {
  return [
    `port=${port}`,
    `listen_addresses=${host}`,
    'unix_socket_directories=',
    'max_connections=200',
    'shared_buffers=256MB',
    'max_wal_size=2GB',
    'checkpoint_timeout=15min',
    // The statements here take well under a millisecond; compiling one takes many.
    'jit=off',
    'log_line_prefix=%m [%p] %q%u@%d ',
    `fsync=${durable ? 'on' : 'off'}`,
    'synchronous_commit=on',
  ]
}

type Initialise = {
  data: string
  binaries: PostgresBinaries
  user: { uid: number; gid: number } | undefined
  password: string
}

/** Makes the cluster under another name and renames it at the end, so that a crash never leaves half of one. */
async function initialise({ data, binaries, user, password }: Initialise): Promise<void> {
  const unfinished = `${data}.unfinished`
  const passwordFile = `${data}.password`
  rmSync(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true, mode: 0o700 })
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (user) await Promise.all([unfinished, passwordFile].map(path => chown(path, user.uid, user.gid)))
  try {
    await run(
      binaries.initdb,
      [
        `--pgdata=${unfinished}`,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        ...locale,
      ],
      { cwd: '/', ...user, env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' } },
    )
  } finally {
    rmSync(passwordFile, { force: true })
  }
  await chmod(unfinished, 0o700)
  renameSync(unfinished, data)
}

/** Ends a postmaster that a crash of ours left on this data, drops a pid file nobody owns, checks the port. */
async function prepareStart(data: string, port: number): Promise<void> {
  const pidFile = join(data, 'postmaster.pid')
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8').split('\n', 1)[0]) : 0
  if (pid > 0) {
    const identity = isPostmasterOf(pid, data) ? identify(pid) : undefined
    if (identity) await stopProcess(identity, 'SIGINT', 20_000)
    rmSync(pidFile, { force: true })
  }
  await assertPortFree(port, 'PostgreSQL', 'or set ORDERS_DB_PORT and PAYMENTS_DB_PORT to a free port')
}

/** A pid in a file left behind may belong to anything by now; the postmaster works in its data folder. */
function isPostmasterOf(pid: number, data: string): boolean {
  if (startTimeOf(pid) === undefined) return false
  if (process.platform !== 'linux') return true
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(data)
  } catch {
    return false
  }
}

/** The eighth line of the pid file is how pg_ctl, too, learns that the server accepts connections. */
function statusOf(data: string): string | undefined {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[7]?.trim()
  } catch {
    return undefined
  }
}
