import pg from 'pg'
import { type TestDatabase, testDatabase } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type DatabaseAddress, migrate } from './migrate.ts'
import { type DatabaseRoles, prepareDatabase } from './roles.ts'

const databases = {} as Record<'orders' | 'payments', TestDatabase>
beforeAll(async () => {
  for (const kind of ['orders', 'payments'] as const) databases[kind] = await testDatabase(kind)
  await databases.orders.asOwner(`
    insert into outbox (aggregate_type, aggregate_id, event_type, topic, payload) values ('a', '1', 'e', 't', '{}')`)
})
const sessions = new Map<string, Promise<pg.Client>>()
afterAll(async () => {
  for (const session of sessions.values()) await (await session).end()
  await Promise.all(Object.values(databases).map(database => database.drop()))
})

async function sessionOf(address: DatabaseAddress): Promise<pg.Client> {
  // Its database may be dropped before it ends.
  const client = new pg.Client(address).on('error', () => undefined)
  await client.connect()
  return client
}

/** The SQLSTATE of what is refused, or how many rows there were. Leaves nothing behind. */
async function attempt(address: DatabaseAddress, statement: string): Promise<string | number> {
  const name = `${address.user} ${address.database}`
  const session = sessions.get(name) ?? sessionOf(address)
  sessions.set(name, session)
  try {
    const client = await session
    await client.query('begin')
    return (await client.query(statement)).rowCount ?? 0
  } catch (error) {
    return Object(error).code
  } finally {
    await session.then(
      client => client.query('rollback'),
      () => sessions.delete(name),
    )
  }
}

const refused = '42501'
const everywhere = [
  'update outbox set payload = null',
  "update outbox set topic = 'elsewhere'",
  'delete from outbox',
  'delete from outbox_default',
  'truncate outbox',
  "update operator_acts set who = 'nobody'",
  'delete from operator_acts',
  'truncate operator_acts',
  'alter table operator_acts disable trigger all',
  'drop table outbox_default',
  'create table mine (id int)',
  'create temporary table mine (id int)',
  'create schema mine',
  'create index on inbox (topic)',
  'alter table outbox add column more text',
  'drop function outbox_window',
  'create or replace function outbox_is_published(text) returns boolean language sql as $$ select true $$',
  'set role pg_database_owner',
  'insert into messaging_migration values (1)',
]
const statements = {
  orders: [
    ...everywhere,
    'update orders set amount_minor = 1',
    'update orders set user_id = 1',
    'delete from orders',
    'truncate orders',
    'drop table orders',
  ],
  payments: [
    ...everywhere,
    'update ledger_entries set amount_minor = 1',
    'delete from ledger_entries',
    'truncate ledger_entries',
    'alter table ledger_entries disable trigger user',
    'drop trigger ledger_entries_append_only on ledger_entries',
    "update payments set status = 'COMPLETED'",
    'delete from payments',
    'truncate payments',
    'alter table payments disable trigger user',
    'drop table payments',
    'update accounts set user_id = 1',
    'delete from accounts',
  ],
}

describe.each(['orders', 'payments'] as const)('the role of %s-service', kind => {
  test.each(statements[kind])('may not: %s', async statement => {
    expect(await attempt(databases[kind], statement)).toBe(refused)
  })

  test('may not enter the database of the other service', async () => {
    const other = databases[kind === 'orders' ? 'payments' : 'orders']
    const { user, password } = databases[kind]
    expect(await attempt({ ...other, user, password }, 'select 1')).toBe(refused)
  })
})

describe.each(['orders', 'payments'] as const)('people who read %s', kind => {
  test('see every row of every table, and write nothing', async () => {
    const { reader, asOwner } = databases[kind]
    const { rows } = await asOwner<{ name: string; column: string }>(`
      select c.relname as name, (select quote_ident(attname) from pg_attribute where attrelid = c.oid and attnum = 1) as column
      from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and not relispartition and relname !~ 'migration'`)
    expect(rows.length).toBeGreaterThan(8)
    for (const { name, column } of rows) {
      expect(await attempt(reader, `select * from ${name}`), name).toBeTypeOf('number')
      const writes = [
        `insert into ${name} default values`,
        `update ${name} set ${column} = default`,
        `delete from ${name}`,
        `truncate ${name}`,
        `drop table ${name}`,
      ]
      for (const write of writes) expect(await attempt(reader, write), write).toBe(refused)
    }
    for (const call of [
      "select outbox_make_day('2020-01-01')",
      "select outbox_drop_day('2020-01-01')",
      'select outbox_clean_default(now(), 1)',
      'create table mine (id int)',
      'create temporary table mine (id int)',
    ]) {
      expect(await attempt(reader, call), call).toBe(refused)
    }
  })
})

describe('the functions of retention', () => {
  test('look at nothing of their caller: its own tables of the same name are passed over', async () => {
    const { rows } = await databases.orders.asOwner<{ name: string; path: string }>(`
      select proname as name, array_to_string(proconfig, '') as path from pg_proc
      where pronamespace = 'public'::regnamespace and prosecdef`)
    expect(rows.map(({ name }) => name).toSorted()).toEqual([
      'outbox_clean_default',
      'outbox_drop_day',
      'outbox_make_day',
    ])
    for (const { path } of rows) expect(path).toBe('search_path=public, pg_temp')
  })

  test('drop no day that is not over, make none far ahead, and delete no row that is not published', async () => {
    const { orders } = databases
    expect(await attempt(orders, 'select outbox_drop_day((now() at time zone $$UTC$$)::date)')).toBe('P0001')
    expect(await attempt(orders, 'select outbox_make_day((now() at time zone $$UTC$$)::date + 40)')).toBe(
      'P0001',
    )
    const { rows } = await orders.asOwner<{ gone: string }>(
      "select outbox_clean_default('infinity', 10) as gone",
    )
    expect(rows).toEqual([{ gone: '0' }])
  })
})

test('a database whose service owned everything is taken over by the migrator, and the service goes on', async () => {
  const { databaseServer } = inject('testInfrastructure')
  const { postgres, prefix } = databaseServer
  const login = (name: string) => ({ user: `${prefix}_old_${name}`, password: 'secret' })
  const [service, migrator, reader] = [login('service'), login('migrator'), login('reader')]
  const admin = new pg.Client({ ...postgres, database: 'postgres' })
  await admin.connect()
  const database = `${prefix}_old`
  await admin.query(`create role ${reader.user}; create role ${service.user} login password 'secret'`)
  await admin.query(`create database ${database} owner ${service.user}`)
  const place = { host: postgres.host, port: postgres.port, database }
  const roles: DatabaseRoles = { ...place, service, migrator, reader }
  const grantees = { service: service.user, reader: reader.user }
  try {
    await migrate({ ...place, ...service }, 'payments', grantees)
    for (const _ of ['an upgrade', 'a start after it']) {
      await prepareDatabase(postgres, roles)
      await migrate({ ...place, ...migrator }, 'payments', grantees)
    }
    const owner = new pg.Client({ ...place, ...migrator })
    await owner.connect()
    const { rows } = await owner.query(`
      select distinct pg_get_userbyid(relowner) as owner from pg_class where relnamespace = 'public'::regnamespace`)
    await owner.end()
    expect(rows).toEqual([{ owner: migrator.user }])
    const asService = (statement: string) => attempt({ ...place, ...service }, statement)
    expect(await asService('create table mine (id int)')).toBe(refused)
    expect(await asService('delete from ledger_entries')).toBe(refused)
    expect(await asService("select outbox_make_day('2020-01-01')")).toBe(1)
  } finally {
    await admin.query(`drop database ${database} with (force)`)
    for (const { user } of [service, migrator, reader]) await admin.query(`drop role ${user}`)
    await admin.end()
  }
})
