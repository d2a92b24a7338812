import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'

export type MigrationSet = 'messaging' | 'orders' | 'payments'
export type MigrationFile = { name: string; text: string }
export type AppliedMigration = { name: string; sha256: string }
/** Names of migrations: of files not applied, of files that are not what was applied, and of what has no file here. */
export type MigrationState = { pending: string[]; edited: string[]; unknown: string[] }

/** Folders of each set, in the order they are applied. The engine's own tables always come first. */
export const foldersOf = (set: MigrationSet): string[] => (set === 'messaging' ? [set] : ['messaging', set])

const pathOf = (folder: string) =>
  join(import.meta.dirname, folder === 'messaging' ? '../messaging/migrations' : folder)

/** Reads only. Names are as in `orders/0001-orders`. */
export async function readMigrationState(db: Kysely<unknown>, set: MigrationSet): Promise<MigrationState> {
  const state: MigrationState = { pending: [], edited: [], unknown: [] }
  for (const folder of foldersOf(set)) {
    const found = compare(await readMigrations(folder), await readApplied(db, folder))
    for (const kind of ['pending', 'edited', 'unknown'] as const)
      state[kind].push(...found[kind].map(name => `${folder}/${name}`))
  }
  return state
}

/** What the set's service and people who read may do; see messaging/grants.sql. */
export const readGrants = (folder: string): Promise<string> =>
  readFile(
    folder === 'messaging'
      ? join(import.meta.dirname, '../messaging/grants.sql')
      : join(import.meta.dirname, 'grants', `${folder}.sql`),
    'utf8',
  )

/** Differs when any file of the set does: templates of test databases are told apart by it. */
export async function migrationsDigest(set: MigrationSet): Promise<string> {
  const folders = foldersOf(set)
  const files = await Promise.all([...folders.map(readMigrations), ...folders.map(readGrants)])
  return sha256(JSON.stringify(files)).slice(0, 8)
}

export async function readMigrations(folder: string): Promise<MigrationFile[]> {
  const path = pathOf(folder)
  const names = (await readdir(path)).filter(name => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async name => ({ name: name.slice(0, -4), text: await readFile(join(path, name), 'utf8') })),
  )
}

export async function readApplied(db: Kysely<unknown>, folder: string): Promise<AppliedMigration[]> {
  const table = `${folder}_migration_checksum`
  const { rows } = await sql<{ found: boolean }>`select to_regclass(${table}) is not null as found`.execute(
    db,
  )
  if (!rows[0]?.found) return []
  return (await sql<AppliedMigration>`select name, sha256 from ${sql.table(table)} order by name`.execute(db))
    .rows
}

export function compare(files: MigrationFile[], applied: AppliedMigration[]): MigrationState {
  const textOf = new Map(files.map(({ name, text }) => [name, text]))
  const isApplied = new Set(applied.map(({ name }) => name))
  const known = applied.filter(({ name }) => textOf.has(name))
  return {
    pending: files.filter(({ name }) => !isApplied.has(name)).map(({ name }) => name),
    edited: known
      .filter(({ name, sha256: sum }) => sha256(textOf.get(name)!) !== sum)
      .map(({ name }) => name),
    unknown: applied.filter(({ name }) => !textOf.has(name)).map(({ name }) => name),
  }
}

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
