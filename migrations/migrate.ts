import { Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { failpointsOf } from 'messaging/failpoint'
import pg from 'pg'
import {
  compare,
  foldersOf,
  type MigrationFile,
  type MigrationSet,
  readApplied,
  readGrants,
  readMigrations,
  sha256,
} from './migration-state.ts'

export type { MigrationFile, MigrationSet }
export type DatabaseAddress = { host: string; port: number; database: string; user: string; password: string }
/** Who is granted what in the tables: the service that works with them, and people who look on. */
export type Grantees = { service: string; reader: string }

const failpoint = failpointsOf<'migration.applied' | 'migration.recorded' | 'migration.folder_done'>()

export class EditedMigrationError extends Error {
  override name = 'EditedMigrationError'
}

/**
 * Applies what is missing, as the tables' owner, and grants what others may do. Returns the names applied, in order; an
 * empty list means up to date.
 *
 * Each folder is applied in one transaction under Kysely's advisory lock: several instances may start at
 * once, and a failing file leaves nothing of its folder behind. A file that was applied and has since been
 * edited or removed throws before anything is applied: add a new file instead.
 */
export async function migrate(
  address: DatabaseAddress,
  set: MigrationSet,
  grantees: Grantees,
): Promise<string[]> {
  // Two: the migrator holds one in its transaction while `refuseEdited` asks with the other.
  const pool = new pg.Pool({ ...address, max: 2 })
  // A connection that breaks fails the statement that needs it; without a listener it would end the process.
  pool.on('connect', client => client.on('error', () => {}))
  pool.on('error', () => {})
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const applied: string[] = []
  try {
    for (const folder of foldersOf(set)) {
      applied.push(...(await migrateFolder(db, folder, await readMigrations(folder))))
      await failpoint('migration.folder_done')
    }
    // Each time: what a newer version grants, or grants no longer, needs no migration.
    for (const folder of foldersOf(set)) await grant(pool, folder, grantees)
    return applied
  } finally {
    await db.destroy()
  }
}

/** With the names of the roles put in, as psql does it. Both may see, besides, what was applied. */
async function grant(pool: pg.Pool, folder: string, grantees: Grantees): Promise<void> {
  const role = (name: keyof Grantees) => pg.escapeIdentifier(grantees[name])
  const text = await readGrants(folder)
  await pool.query(text.replaceAll(/:"(service|reader)"/g, (_, name: keyof Grantees) => role(name)))
  await pool.query(`
    begin; select pg_advisory_xact_lock(hashtext('grants'));
    grant select on ${folder}_migration_checksum to ${role('service')}, ${role('reader')}; commit`)
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
  const { edited, unknown } = compare(files, await readApplied(db, folder))
  const [name = unknown[0]] = edited
  if (name === undefined) return
  throw new EditedMigrationError(
    `Migration ${folder}/${name}.sql was ${edited.length > 0 ? 'edited' : 'removed'} after it had been applied here. ` +
      'Nothing was changed. Restore the file as it was and put the change into a new migration.',
  )
}

function describe(error: unknown, folder: string, failed: string | undefined): unknown {
  if (!failed || !(error instanceof Error)) return error
  return new Error(
    `Migration ${folder}/${failed}.sql failed, nothing of ${folder}/ was applied: ${error.message}`,
    {
      cause: error,
    },
  )
}
