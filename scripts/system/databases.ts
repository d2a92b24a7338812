import type { DatabaseAddress } from 'migrations/migrate'
import pg from 'pg'
import type { PostgresAddress } from '../infrastructure/postgres.ts'

/** Each database with an owner role of its own, who alone may connect. Safe to repeat; takes on a new password. */
export async function ensureDatabases(server: PostgresAddress, databases: DatabaseAddress[]): Promise<void> {
  const client = new pg.Client({ ...server, database: 'postgres' })
  await client.connect()
  try {
    for (const { database, user, password } of databases)
      await ensureDatabase(client, database, user, password)
  } finally {
    await client.end()
  }
}

async function ensureDatabase(
  client: pg.Client,
  database: string,
  user: string,
  password: string,
): Promise<void> {
  const [name, role] = [client.escapeIdentifier(database), client.escapeIdentifier(user)]
  const roles = await client.query('select from pg_roles where rolname = $1', [user])
  if (!roles.rowCount) await client.query(`create role ${role}`)
  await client.query(`alter role ${role} login password ${client.escapeLiteral(password)}`)
  const databases = await client.query('select from pg_database where datname = $1', [database])
  if (databases.rowCount) return
  await client.query(`create database ${name} owner ${role}`)
  await client.query(`revoke connect on database ${name} from public`)
}
