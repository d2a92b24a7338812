import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { failpointsOf } from 'messaging/failpoint'
import pg from 'pg'

export type DatabaseAddress = { host: string; port: number; database: string; user: string; password: string }
export type MigrationSet = 'messaging' | 'orders' | 'payments'

const failpoint = failpointsOf<'migration.applied' | 'migration.recorded' | 'migration.folder_done'>()

const here = dirname(fileURLToPath(import.meta.url))

/** Folders of each set, in the order they are applied. The engine's own tables always come first. */
const foldersOf: Record<MigrationSet, { name: string; path: string }[]> = {
  messaging: [{ name: 'messaging', path: join(here, '../messaging/migrations') }],
  orders: [
    { name: 'messaging', path: join(here, '../messaging/migrations') },
    { name: 'orders', path: join(here, 'orders') },
  ],
  payments: [
    { name: 'messaging', path: join(here, '../messaging/migrations') },
    { name: 'payments', path: join(here, 'payments') },
  ],
}

export class EditedMigrationError extends Error {
  override name = 'EditedMigrationError'
}

/**
 * Applies what is missing and returns the names applied, in order; an empty list means up to date.
 *
 * Each folder is applied in one transaction under Kysely's advisory lock: several instances may start at
 * once, and a failing file leaves nothing of its folder behind. A file that was applied and has since been
 * edited or removed throws before anything is applied: add a new file instead.
 */
export async function migrate(address: DatabaseAddress, set: MigrationSet): Promise<string[]> {
  // Two: the migrator holds one in its transaction while `refuseEdited` asks with the other.
  const pool = new pg.Pool({ ...address, max: 2 })
  // A connection that breaks fails the statement that needs it; without a listener it would end the process.
  pool.on('connect', client => client.on('error', () => {}))
  pool.on('error', () => {})
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const applied: string[] = []
  try {
    for (const folder of foldersOf[set]) {
      applied.push(...(await migrateFolder(db, folder.name, await readMigrations(folder.path))))
      await failpoint('migration.folder_done')
    }
    return applied
  } finally {
    await db.destroy()
  }
}

export type MigrationFile = { name: string; text: string }

async function readMigrations(path: string): Promise<MigrationFile[]> {
  const names = (await readdir(path)).filter(name => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async name => ({ name: name.slice(0, -4), text: await readFile(join(path, name), 'utf8') })),
  )
}

/** One folder's files against one database; exported for tests that bring files of their own. */
export async function migrateFolder(
  db: Kysely<unknown>,
  folder: string,
  files: MigrationFile[],
): Promise<string[]> {
  const checksumTable = sql.table(`${folder}_migration_checksum`)
  const migrator = new Migrator({
    db,
    migrationTableName: `${folder}_migration`,
    migrationLockTableName: `${folder}_migration_lock`,
    provider: {
      async getMigrations() {
        await refuseEdited(db, folder, files)
        return Object.fromEntries(files.map(file => [file.name, asMigration(file)]))
      },
    },
  })

  function asMigration(file: MigrationFile): Migration {
    return {
      async up(trx) {
        await sql`create table if not exists ${checksumTable} (name text primary key, sha256 text not null)`.execute(
          trx,
        )
        await sql.raw(file.text).execute(trx)
        await failpoint('migration.applied')
        await sql`insert into ${checksumTable} values (${file.name}, ${sha256(file.text)})`.execute(trx)
        await failpoint('migration.recorded')
      },
    }
  }

  const { error, results = [] } = await migrator.migrateToLatest()
  if (error) throw describe(error, folder, results.find(result => result.status === 'Error')?.migrationName)
  return results.map(result => `${folder}/${result.migrationName}`)
}

async function refuseEdited(db: Kysely<unknown>, folder: string, files: MigrationFile[]): Promise<void> {
  const table = `${folder}_migration_checksum`
  const exists = await sql<{ found: boolean }>`select to_regclass(${table}) is not null as found`.execute(db)
  if (!exists.rows[0]?.found) return
  const { rows } = await sql<{
    name: string
    sha256: string
  }>`select name, sha256 from ${sql.table(table)}`.execute(db)
  for (const row of rows) {
    const file = files.find(({ name }) => name === row.name)
    if (file && sha256(file.text) === row.sha256) continue
    throw new EditedMigrationError(
      `Migration ${folder}/${row.name}.sql was ${file ? 'edited' : 'removed'} after it had been applied here. ` +
        'Nothing was changed. Restore the file as it was and put the change into a new migration.',
    )
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function describe(error: unknown, folder: string, failed: string | undefined): unknown {
  if (!failed || !(error instanceof Error)) return error
  return new Error(
    `Migration ${folder}/${failed}.sql failed, nothing of ${folder}/ was applied: ${error.message}`,
    {
      cause: error,
    },
  )
}
