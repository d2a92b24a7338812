import { mkdtempSync, readFileSync, rmdirSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { PostgresAddress } from 'scripts/infrastructure/postgres'
import { run } from 'scripts/infrastructure/run-command'

const prefix = 'order-payments-disk-'
/** Memory is taken for what is written only. */
const roomy = '4g'
const fillAttemptsMax = 20
const moveAttemptsMax = 10

/** This machine lets us mount no file system. */
export class MountRefusedError extends Error {
  override name = 'MountRefusedError'
}

/** For those who can do without one: any other error is thrown on. */
export function unlessMounted(error: unknown): MountRefusedError {
  if (error instanceof MountRefusedError) return error
  throw error
}

/**
 * A file system of its own, in memory, for the tables of one database. The write-ahead log stays where it was: without
 * room for that PostgreSQL ends, which is another fault.
 */
export class Disk {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  /** Moves the tables there, also under those who use them. Throws MountRefusedError where nothing can be mounted. */
  static async open(superuser: PostgresAddress, database: string): Promise<Disk> {
    await sweepAbandoned()
    const admin = new pg.Client({ ...superuser, database })
    await admin.connect()
    try {
      const { rows } = await admin.query('show data_directory')
      const path = await mount(statSync(rows[0].data_directory))
      const name = `disk_of_${database}`
      await admin.query(`create tablespace ${name} location '${path}'`)
      await admin.query(`alter database ${database} set default_tablespace = ${name}`)
      for (const kind of ['table', 'index'])
        await untilNoDeadlock(() =>
          admin.query(`alter ${kind} all in tablespace pg_default set tablespace ${name}`),
        )
      return new Disk(path)
    } finally {
      await admin.end()
    }
  }

  /** From now on there is no room for one more page. */
  async fill(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { blocks, bfree, bsize } = statfsSync(this.#path)
      try {
        await this.#resize(`${(blocks - bfree) * bsize}`)
        return
      } catch (error) {
        // More has been written meanwhile.
        if (attempt === fillAttemptsMax) throw error
      }
    }
  }

  free = (): Promise<void> => this.#resize(roomy)

  async #resize(size: string): Promise<void> {
    await run('mount', ['-o', `remount,size=${size}`, this.#path])
  }

  /** Once PostgreSQL has ended. */
  remove = () => unmount(this.#path)
}

async function mount({ uid, gid }: { uid: number; gid: number }): Promise<string> {
  const path = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  const options = `size=${roomy},mode=0700,uid=${uid},gid=${gid}`
  try {
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
    return path
  } catch (error) {
    rmdirSync(path)
    throw new MountRefusedError(`this machine lets us mount no file system (${(error as Error).message})`)
  }
}

/** All tables are locked at once, and their users lock some in another order. */
async function untilNoDeadlock(act: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await act()
      return
    } catch (error) {
      if (attempt === moveAttemptsMax || Object(error).code !== '40P01') throw error
    }
  }
}

async function unmount(path: string): Promise<void> {
  await run('umount', [path])
  rmdirSync(path)
}

/** Of runs that were killed. */
async function sweepAbandoned(): Promise<void> {
  const mounted = readFileSync('/proc/mounts', 'utf8').matchAll(
    new RegExp(` (\\S*/${prefix}(\\d+)-\\S+) `, 'g'),
  )
  for (const [, path = '', pid] of mounted) if (!isAlive(Number(pid))) await unmount(path)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
