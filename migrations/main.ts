import { configOrExit } from 'edge/config'
import { hostAndPort } from 'edge/host-and-port'
import { Type } from 'typebox'
import { adminOf, DatabasesConfig, databaseRoles } from './config.ts'
import { migrate } from './migrate.ts'
import { prepareDatabase } from './roles.ts'

/**
 * `node migrations/main.ts [orders|payments]`: brings both databases, or the one named, up to date. With
 * ORDERS_DB_ADMIN_USER and the like it makes the database and its roles first.
 */
const wanted = process.argv[2]
if (wanted !== undefined && wanted !== 'orders' && wanted !== 'payments') {
  console.error(`There is no database "${wanted}" to migrate. Name orders or payments, or nothing for both.`)
  process.exit(2)
}

const config = configOrExit(Type.Object(DatabasesConfig))
for (const set of ['orders', 'payments'] as const) {
  if (wanted !== undefined && wanted !== set) continue
  const prefix = set === 'orders' ? 'ORDERS' : 'PAYMENTS'
  const roles = databaseRoles(config, prefix)
  const { host, port, database, migrator } = roles
  try {
    const admin = adminOf(config, prefix)
    if (admin) await prepareDatabase(admin, roles)
    const grantees = { service: roles.service.user, reader: roles.reader.user }
    const applied = await migrate({ host, port, database, ...migrator }, set, grantees)
    console.log(applied.length ? `${set}: applied ${applied.join(', ')}` : `${set}: up to date`)
  } catch (error) {
    const place = `${hostAndPort(host, port)}/${database} as ${migrator.user}`
    console.error(`${set}: not migrated (${place}). ${reasonOf(error)}`)
    process.exitCode = 1
  }
}

function reasonOf(error: unknown): string {
  const { message, code } = Object(error)
  const reason = message || String(code ?? error)
  // No such role, database or password: there were none before each database had three roles.
  const isUnprepared = ['42704', '28000', '28P01', '3D000'].includes(code)
  return isUnprepared
    ? `${reason}. Make the database and its roles first: docs/security.md, "Roles of a database".`
    : reason
}
