import pg from 'pg'

export type Login = { user: string; password: string }

/** A database and who works on it: see docs/security.md. */
export type DatabaseRoles = {
  host: string
  port: number
  database: string
  /** The service: no DDL, and of the tables only what it needs. */
  service: Login
  /** Owns the database and all in it. */
  migrator: Login
  /** People: reads everything, writes nothing. */
  reader: Login
}

/**
 * Makes the database and its roles where they are missing, as the superuser `admin`. Safe to repeat: takes on new
 * passwords, and hands to the migrator what the service owned before there was one.
 */
export async function prepareDatabase(admin: Login, roles: DatabaseRoles): Promise<void> {
  const { host, port, database, service, migrator, reader } = roles
  const owner = pg.escapeIdentifier(migrator.user)
  await connected({ host, port, database: 'postgres', ...admin }, async client => {
    for (const login of [migrator, service, reader]) await ensureRole(client, login)
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database])
    if (!rowCount) await client.query(`create database ${pg.escapeIdentifier(database)} owner ${owner}`)
    await client.query(`alter database ${pg.escapeIdentifier(database)} owner to ${owner}`)
    await admitOnly(client, database, [service, reader])
  })
  await connected({ host, port, database, ...admin }, client =>
    client.query(`
      reassign owned by ${pg.escapeIdentifier(service.user)} to ${owner};
      revoke create on schema public from public`),
  )
}

/** Nobody else connects but the owner, and nobody makes temporary tables. */
export async function admitOnly(client: pg.Client, database: string, logins: Login[]): Promise<void> {
  const name = pg.escapeIdentifier(database)
  const users = logins.map(({ user }) => pg.escapeIdentifier(user))
  await client.query(
    `revoke all on database ${name} from public; grant connect on database ${name} to ${users}`,
  )
}

async function ensureRole(client: pg.Client, { user, password }: Login): Promise<void> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [user])
  if (!rowCount) await client.query(`create role ${pg.escapeIdentifier(user)}`)
  await client.query(`alter role ${pg.escapeIdentifier(user)} login password ${pg.escapeLiteral(password)}`)
}

async function connected<Result>(
  address: pg.ClientConfig,
  act: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client(address)
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}
