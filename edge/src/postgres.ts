import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import { deferred, saveRoundTrips } from 'messaging/round-trips'
import pg from 'pg'
import { Type } from 'typebox'
import { Port } from './config.ts'
import { leaveWhenSilent } from './silent-connection.ts'

export type PostgresAddress = { host: string; port: number; database: string; user: string; password: string }

/** The six variables of one database: `ORDERS_DB_HOST` … `ORDERS_DB_POOL_MAX`. */
export const databaseConfig = <Prefix extends string>(prefix: Prefix, name: string) =>
  ({
    [`${prefix}_DB_HOST`]: Type.String({ default: '127.0.0.1' }),
    [`${prefix}_DB_PORT`]: Port(5432),
    [`${prefix}_DB_NAME`]: Type.String({ default: name }),
    [`${prefix}_DB_USER`]: Type.String({ default: name }),
    [`${prefix}_DB_PASSWORD`]: Type.String({ default: name, writeOnly: true }),
    [`${prefix}_DB_POOL_MAX`]: Type.Integer({ minimum: 4, maximum: 200, default: 12 }),
  }) as Record<`${Prefix}_DB_${'HOST' | 'NAME' | 'USER' | 'PASSWORD'}`, ReturnType<typeof Type.String>> &
    Record<`${Prefix}_DB_${'PORT' | 'POOL_MAX'}`, ReturnType<typeof Type.Integer>>

type Address<Prefix extends string> = Record<
  `${Prefix}_DB_${'HOST' | 'NAME' | 'USER' | 'PASSWORD'}`,
  string
> &
  Record<`${Prefix}_DB_PORT`, number>

export function databaseAddress<Prefix extends string>(
  config: Address<Prefix>,
  prefix: Prefix,
): PostgresAddress {
  const variables: Record<string, string | number> = config
  const text = (name: string) => String(variables[`${prefix}_DB_${name}`])
  return {
    host: text('HOST'),
    port: Number(text('PORT')),
    database: text('NAME'),
    user: text('USER'),
    password: text('PASSWORD'),
  }
}

/**
 * Each statement is planned once for a connection, and as for large tables. With `auto` PostgreSQL plans anew, each time,
 * what has an array of ids: it takes ten where one comes, so a plan for these values looks cheaper, and making it took
 * 0.6 ms of an order that comes alone. A plan that is made while its tables are small stays as they grow, until
 * autovacuum looks at them: a minute, in which each batch of settled orders once read all of them. No statement here
 * gains from reading a table; one that has to be planned for its values, such as the list of orders, has them as literals.
 */
const planOnce = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off'
const statementMsMax = 30_000
const silenceMsMax = 35_000

/** A pool that reads bigint columns as bigint, and gives up on a connection or statement that hangs. */
export function openPool(address: PostgresAddress, name: string, max: number): pg.Pool {
  const types = new pg.TypeOverrides()
  types.setTypeParser(pg.types.builtins.INT8, BigInt)
  const pool = new pg.Pool({
    ...address,
    types,
    max,
    application_name: name,
    options: planOnce,
    connectionTimeoutMillis: 5_000,
    statement_timeout: statementMsMax,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
  })
  // A connection that breaks between two statements of a transaction fails the next of them, and an idle one is
  // replaced. Without listeners for both, either would end the process instead. main.ts logs the idle ones.
  pool
    .on('error', () => {})
    .on('connect', client => {
      client.on('error', () => {})
      leaveWhenSilent(client, silenceMsMax)
    })
  saveRoundTrips(pool)
  return pool
}

export const openDatabase = <Tables>(pool: pg.Pool): Kysely<Tables> =>
  new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })

/** Less than a client waits for, and than an order waits for its run; far more than two who want the same wait for each other. */
const lockWaitMsMax = 2_000

/**
 * For a transaction that a client waits for: it waits no longer than this for a lock, and then fails as where the database is
 * gone. Whoever holds it for so long stands still, and may until its session ends, in a minute. Meanwhile those who ask
 * again would take all connections, or keep all orders waiting that share their transaction. Needs no round trip.
 */
export const boundLockWaits = <DB>(trx: Transaction<DB>): Promise<unknown> =>
  deferred(sql`set local lock_timeout = ${sql.lit(lockWaitMsMax)}`).execute(trx)
