import type pg from 'pg'
import { middleMs, rate, tailMs } from '../harness/results.ts'
import type { Bench, Scenario } from '../harness/section.ts'
import { quantile } from '../harness/statistics.ts'
import { openBareChain } from '../limits/bare-chain.ts'
import type { SettledOrder } from '../load/open-loop.ts'
import type { Shop } from '../shop/shop.ts'
import { accounts, busyConnections } from './throughput.ts'

const connectionsMax = 1_000
/** Left out: connections are being made. */
const firstSeconds = 1

/**
 * From when an order was due at the gateway until it is settled: `p50` and `p99` of the commit that does so in
 * orders-service's database, by PostgreSQL's own clock of commits (the flush that follows, some 0.2 ms, is not in it),
 * and `seen` of its event at the client's stream, one message later.
 */
export async function measureLatency(bench: Bench, shop: Shop): Promise<void> {
  const seconds = bench.choose({ quick: 3, usual: 10 })
  const scenario = (name: string, placed: Placed, ordersPerSecond: OrderRate) =>
    postToSettled(shop.load, { name, placed, ordersPerSecond, seconds })
  /** Each time anew: half of what a faster minute allowed may be more than this one's machine can do. */
  const half = async () => {
    const load = { urls: [shop.gatewayUrl], connections: busyConnections, seconds: seconds / 2 }
    return Math.round((await shop.throughput({ ...load, users: accounts })) / 2)
  }
  // In turns, for their ratio: a time alone says as much of the machine as of us.
  const bare = await openBareChain(shop.servers, shop.kafka)
  const ours = { url: shop.gatewayUrl, database: shop.orders, table: 'orders' } as const
  await bench.measure(scenario('100/s', ours, 100), scenario('100/s, by the bare chain', bare, 100))
  await bare.close()
  await bench.measure(scenario('1,000/s', ours, 1_000), scenario('half of the highest rate', ours, half))
}

/** Given, or measured before each run; only then it is a figure, `due`. */
type OrderRate = number | (() => Promise<number>)

export function postToSettled(
  load: Shop['load'],
  {
    name,
    placed: { url, database, table },
    ordersPerSecond,
    seconds,
  }: { name: string; placed: Placed; ordersPerSecond: OrderRate; seconds: number },
): Scenario {
  const isGiven = typeof ordersPerSecond === 'number'
  return {
    name: `POST to settled, ${name}`,
    figures: {
      ...(!isGiven && { due: rate('orders/s') }),
      p50: middleMs,
      p99: tailMs,
      'seen, p50': middleMs,
      'seen, p99': tailMs,
    },
    async once() {
      const perSecond = isGiven ? ordersPerSecond : await ordersPerSecond()
      const { settled } = await load.ask('openLoop', {
        url,
        streamUrl: url,
        perSecond,
        seconds: seconds + firstSeconds,
        users: accounts,
        connectionsMax,
      })
      const steady = settled.slice(Math.round(perSecond * firstSeconds))
      const committed = await committedMs(database, table, steady)
      const seen = steady.map(({ seenMs }) => seenMs)
      return {
        ...(!isGiven && { due: perSecond }),
        p50: quantile(committed, 0.5),
        p99: quantile(committed, 0.99),
        'seen, p50': quantile(seen, 0.5),
        'seen, p99': quantile(seen, 0.99),
      }
    },
  }
}

/** Where orders are placed, and the table whose row of an order is written last by what settles it. */
type Placed = { url: string; database: pg.Pool; table: 'orders' | 'placed' }

async function committedMs(database: pg.Pool, table: Placed['table'], settled: SettledOrder[]) {
  const { rows } = await database.query<{ id: string; at: number }>(
    `select id, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as at
     from ${table} where id = any ($1::uuid[])`,
    [settled.map(({ id }) => id)],
  )
  const committedAt = new Map(rows.map(({ id, at }) => [id, at]))
  return settled.map(({ id, dueAt }) => committedAt.get(id)! - dueAt)
}
