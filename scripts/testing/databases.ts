import { randomBytes } from 'node:crypto'
import { type DatabaseAddress, type MigrationSet, migrate } from 'migrations/migrate'
import pg from 'pg'
import type { PostgresAddress } from '../infrastructure/postgres.ts'

/** Where databases of one test run are made: the superuser, and the ordinary role that owns them. */
export type DatabaseServer = {
  postgres: PostgresAddress
  role: { user: string; password: string }
  /** Begins the name of all that the run makes on this server. */
  prefix: string
}

/** An ordinary role, as in production: a migration that needs more rights must fail in tests, too. */
export async function prepareServer(postgres: PostgresAddress): Promise<DatabaseServer> {
  const prefix = `test_${randomBytes(4).toString('hex')}`
  const role = { user: `${prefix}_owner`, password: randomBytes(12).toString('hex') }
  await asSuperuser(postgres, async client => {
    await client.query(`create role ${role.user} login password '${role.password}'`)
    // Tests look at sessions and end them.
    await client.query(`grant pg_monitor, pg_signal_backend to ${role.user}`)
  })
  return { postgres, role, prefix }
}

/** A migrated database, copied from a template that the first to ask makes. */
export async function createDatabase(server: DatabaseServer, kind: MigrationSet): Promise<DatabaseAddress> {
  const { postgres, role, prefix } = server
  const template = `${prefix}_template_${kind}`
  const database = `${prefix}_${kind}_${randomBytes(6).toString('hex')}`
  await asSuperuser(postgres, async client => {
    if (!(await exists(client, template))) await createTemplate(client, server, kind, template)
    await client.query(`create database ${database} template ${template} owner ${role.user}`)
  })
  return { host: postgres.host, port: postgres.port, database, ...role }
}

export async function dropDatabase(server: DatabaseServer, database: string): Promise<void> {
  await asSuperuser(server.postgres, client =>
    client.query(`drop database if exists ${database} with (force)`),
  )
}

/** For servers that outlive the run. */
export async function cleanServer({ postgres, prefix, role }: DatabaseServer): Promise<void> {
  await asSuperuser(postgres, async client => {
    const { rows } = await client.query('select datname from pg_database where starts_with(datname, $1)', [
      `${prefix}_`,
    ])
    for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`)
    await client.query(`drop role ${role.user}`)
  })
}

async function createTemplate(
  client: pg.Client,
  { postgres, role }: DatabaseServer,
  kind: MigrationSet,
  template: string,
): Promise<void> {
  // Test files run side by side: one makes it, under another name until it is whole, the rest wait.
  await client.query('select pg_advisory_lock(hashtext($1))', [template])
  try {
    if (await exists(client, template)) return
    const unfinished = `${template}_unfinished`
    await client.query(`drop database if exists ${unfinished} with (force)`)
    await client.query(`create database ${unfinished} owner ${role.user}`)
    await migrate({ host: postgres.host, port: postgres.port, database: unfinished, ...role }, kind)
    await client.query(`alter database ${unfinished} rename to ${template}`)
  } finally {
    await client.query('select pg_advisory_unlock(hashtext($1))', [template])
  }
}

async function exists(client: pg.Client, database: string): Promise<boolean> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [database])
  return rowCount === 1
}

async function asSuperuser<Result>(
  postgres: PostgresAddress,
  act: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ ...postgres, database: 'postgres' })
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}
