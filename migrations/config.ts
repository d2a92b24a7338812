import { databaseAddress, databaseConfig } from 'edge/postgres'
import { type Static, type TObject, Type } from 'typebox'
import type { DatabaseRoles, Login } from './roles.ts'

type RoleName = `${'MIGRATOR' | 'READER' | 'ADMIN'}_${'USER' | 'PASSWORD'}`
type Prefix = 'ORDERS' | 'PAYMENTS'

const rolesConfig = <Of extends Prefix>(prefix: Of, name: string) =>
  ({
    ...databaseConfig(prefix, name),
    [`${prefix}_DB_MIGRATOR_USER`]: Type.String({ default: `${name}_migrator` }),
    [`${prefix}_DB_MIGRATOR_PASSWORD`]: Type.String({ default: `${name}_migrator`, writeOnly: true }),
    [`${prefix}_DB_READER_USER`]: Type.String({ default: `${name}_reader` }),
    [`${prefix}_DB_READER_PASSWORD`]: Type.String({ default: `${name}_reader`, writeOnly: true }),
    /** Who makes databases and roles; empty where they are there. */
    [`${prefix}_DB_ADMIN_USER`]: Type.String({ default: '' }),
    [`${prefix}_DB_ADMIN_PASSWORD`]: Type.String({ default: '', writeOnly: true }),
  }) as ReturnType<typeof databaseConfig<Of>> & Record<`${Of}_DB_${RoleName}`, ReturnType<typeof Type.String>>

/** Variables of who prepares and migrates both databases. */
export const DatabasesConfig = {
  ...rolesConfig('ORDERS', 'orders'),
  ...rolesConfig('PAYMENTS', 'payments'),
}

type Config = Static<TObject<typeof DatabasesConfig>>

const loginOf = (config: Config, prefix: Prefix, role: 'MIGRATOR' | 'READER' | 'ADMIN') => ({
  user: config[`${prefix}_DB_${role}_USER`],
  password: config[`${prefix}_DB_${role}_PASSWORD`],
})

/** Where a database is, and its three roles. */
export function databaseRoles(config: Config, prefix: Prefix): DatabaseRoles {
  const { user, password, ...place } = databaseAddress(config, prefix)
  const [migrator, reader] = [loginOf(config, prefix, 'MIGRATOR'), loginOf(config, prefix, 'READER')]
  return { ...place, service: { user, password }, migrator, reader }
}

export function adminOf(config: Config, prefix: Prefix): Login | undefined {
  const admin = loginOf(config, prefix, 'ADMIN')
  return admin.user === '' ? undefined : admin
}
