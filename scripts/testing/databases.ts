import { randomBytes } from 'node:crypto'
import { type DatabaseAddress, type MigrationSet, migrate } from 'migrations/migrate'
import { migrationsDigest } from 'migrations/migration-state'
import { admitOnly, type Login } from 'migrations/roles'
import pg from 'pg'
import type { PostgresAddress } from '../infrastructure/postgres.ts'

/** Where databases of one test run are made: the superuser, and the roles that own them and work on them. */
export type DatabaseServer = {
  postgres: PostgresAddress
  roles: Record<'owner' | 'reader' | MigrationSet, Login>
  /** Begins the name of all that the run makes on this server. */
  prefix: string
}

/** A database as its service logs in to it, and as others do. */
export type ServiceDatabase = DatabaseAddress & {
  /** Made it: what a service may not do, a test does as this one. */
  owner: DatabaseAddress
  reader: DatabaseAddress
}

/** Ordinary roles, as in production: a statement that needs more rights must fail in tests, too. */
export async function prepareServer(postgres: PostgresAddress): Promise<DatabaseServer> {
  const prefix = `test_${randomBytes(4).toString('hex')}`
  const login = (name: string) => ({ user: `${prefix}_${name}`, password: randomBytes(12).toString('hex') })
  const roles = {
    owner: login('owner'),
    reader: login('reader'),
    messaging: login('messaging'),
    orders: login('orders'),
    payments: login('payments'),
  }
  await asSuperuser(postgres, async client => {
    for (const { user, password } of Object.values(roles))
      await client.query(`create role ${user} login password '${password}'`)
    // Tests look at sessions and end them.
    await client.query(`grant pg_monitor, pg_signal_backend to ${roles.owner.user}`)
  })
  return { postgres, roles, prefix }
}

/** A migrated database, copied from a template that the first to ask makes. */
export async function createDatabase(server: DatabaseServer, kind: MigrationSet): Promise<ServiceDatabase> {
  const { postgres, roles, prefix } = server
  const template = `${prefix}_template_${kind}_${await migrationsDigest(kind)}`
  const database = `${prefix}_${kind}_${randomBytes(6).toString('hex')}`
  await asSuperuser(postgres, async client => {
    if (!(await exists(client, template))) await createTemplate(client, server, kind, template)
    await client.query(`create database ${database} template ${template} owner ${roles.owner.user}`)
    await admitOnly(client, database, [roles[kind], roles.reader])
  })
  const place = { host: postgres.host, port: postgres.port, database }
  const [owner, reader] = [roles.owner, roles.reader].map(login => ({ ...place, ...login }))
  return { ...place, ...roles[kind], owner: owner!, reader: reader! }
}

export async function dropDatabase(server: DatabaseServer, database: string): Promise<void> {
  await asSuperuser(server.postgres, client =>
    client.query(`drop database if exists ${database} with (force)`),
  )
}

/** For servers that outlive the run. */
export async function cleanServer({ postgres, prefix, roles }: DatabaseServer): Promise<void> {
  await asSuperuser(postgres, async client => {
    const { rows } = await client.query('select datname from pg_database where starts_with(datname, $1)', [
      `${prefix}_`,
    ])
    for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`)
    for (const { user } of Object.values(roles)) await client.query(`drop role ${user}`)
  })
}

async function createTemplate(
  client: pg.Client,
  { postgres, roles }: DatabaseServer,
  kind: MigrationSet,
  template: string,
): Promise<void> {
  // Test files run side by side: one makes it, under another name until it is whole, the rest wait.
  await client.query('select pg_advisory_lock(hashtext($1))', [template])
  try {
    if (await exists(client, template)) return
    const unfinished = `${template}_unfinished`
    await client.query(`drop database if exists ${unfinished} with (force)`)
    await client.query(`create database ${unfinished} owner ${roles.owner.user}`)
    const address = { host: postgres.host, port: postgres.port, database: unfinished, ...roles.owner }
    await migrate(address, kind, { service: roles[kind].user, reader: roles.reader.user })
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
