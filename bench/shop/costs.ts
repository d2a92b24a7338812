import { setTimeout as sleep } from 'node:timers/promises'
import { readKafkaRequests } from '../kafka-tools/kafka-requests.ts'
import type { Shop } from './shop.ts'

/** What one order cost the servers. */
export type Costs = {
  statements: number
  transactions: number
  walBytes: number
  deadTuples: number
  produceRequests: number
  fetchRequests: number
}

/** Idle sessions report what they did after this long. */
const statisticsMs = 11_000

/** Counts while `act` places that many orders and waits for their end. */
export async function countCosts(shop: Shop, act: () => Promise<number>): Promise<Costs> {
  const { servers, kafka } = shop
  await servers.asSuperuser(async client => {
    await client.query('create extension if not exists pg_stat_statements')
    await client.query("alter system set pg_stat_statements.track = 'top'")
    await client.query('select pg_reload_conf()')
  })
  try {
    const before = await readCounters(shop)
    const requestsBefore = await readKafkaRequests(kafka)
    const orders = await act()
    const requests = await readKafkaRequests(kafka)
    const after = await readCounters(shop)
    const each = (now: number, then: number) => (now - then) / orders
    return {
      statements: each(after.statements, before.statements),
      transactions: each(after.transactions, before.transactions),
      walBytes: each(after.walBytes, before.walBytes),
      deadTuples: each(after.deadTuples, before.deadTuples),
      produceRequests: each(requests.Produce, requestsBefore.Produce),
      fetchRequests: each(requests.FetchConsumer, requestsBefore.FetchConsumer),
    }
  } finally {
    await servers.asSuperuser(async client => {
      await client.query("alter system set pg_stat_statements.track = 'none'")
      await client.query('select pg_reload_conf()')
    })
  }
}

type Counters = { statements: number; transactions: number; walBytes: number; deadTuples: number }

async function readCounters({ servers, databases }: Shop): Promise<Counters> {
  await sleep(statisticsMs)
  const names = Object.values(databases).map(({ database }) => database)
  // One log and one count of statements for both databases, but each its own tables.
  const counters: Counters = await servers.asSuperuser(async client => {
    const { rows } = await client.query(
      `select
         coalesce(sum(calls) filter (where query !~* '^(begin|commit|rollback|set)'), 0)::float8 as statements,
         (select sum(xact_commit) from pg_stat_database where datname = any ($1))::float8 as transactions,
         pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as "walBytes",
         0::float8 as "deadTuples"
       from pg_stat_statements join pg_database d on d.oid = dbid where datname = any ($1)`,
      [names],
    )
    return rows[0]
  })
  for (const name of names) {
    const sql = 'select coalesce(sum(n_tup_upd + n_tup_del), 0)::float8 as dead from pg_stat_user_tables'
    const { rows } = await servers.asSuperuser(client => client.query(sql), name)
    counters.deadTuples += rows[0].dead
  }
  return counters
}
