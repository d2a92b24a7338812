import { amount } from '../harness/results.ts'
import type { Bench } from '../harness/section.ts'
import { type Costs, countCosts } from '../shop/costs.ts'
import type { Shop } from '../shop/shop.ts'
import { accounts, busyConnections } from './throughput.ts'

const processes = [
  'orders-service',
  'payments-service',
  'gateway',
  'postgres',
  'kafka',
  'load generator',
] as const

/** What each process takes while orders come as fast as they are answered, and what an order costs the servers. */
export async function measureFullLoad(bench: Bench, shop: Shop): Promise<void> {
  const seconds = bench.choose({ quick: 2, usual: 10 })
  const load = { urls: [shop.gatewayUrl], connections: busyConnections, seconds, users: accounts }
  await bench.measure({
    name: `full load at gateway, ${busyConnections} connections`,
    figures: Object.fromEntries(
      processes.flatMap(name => [
        [`${name}: memory`, amount('MB')],
        [`${name}: CPU`, amount('ms/order')],
      ]),
    ),
    warmUps: 0,
    async once() {
      const watched = shop.watchUsage()
      const startedAt = performance.now()
      const perSecond = await shop.throughput(load)
      const orders = (perSecond * (performance.now() - startedAt)) / 1000
      const usage = watched.stop()
      return Object.fromEntries(
        processes.flatMap(name => [
          [`${name}: memory`, usage[name]!.memoryMbMax],
          [`${name}: CPU`, usage[name]!.cpuMs / orders],
        ]),
      )
    },
  })
  await measureCosts(bench, shop, 'at full load', async () => {
    const { accepted } = await shop.load.ask('closedLoop', load)
    await shop.settled()
    return accepted
  })
  await measureCosts(bench, shop, 'at 100/s', async () => {
    const { accepted } = await shop.load.ask('openLoop', {
      url: shop.gatewayUrl,
      perSecond: 100,
      seconds,
      users: accounts,
      connectionsMax: 100,
    })
    await shop.settled()
    return accepted
  })
}

async function measureCosts(
  bench: Bench,
  shop: Shop,
  when: string,
  act: () => Promise<number>,
): Promise<void> {
  const kinds: Record<keyof Costs, string> = {
    statements: 'statements/order',
    transactions: 'transactions/order',
    walBytes: 'bytes of WAL/order',
    deadTuples: 'dead tuples/order',
    produceRequests: 'produce requests/order',
    fetchRequests: 'fetch requests/order',
  }
  await bench.measure({
    name: `an order's cost ${when}`,
    figures: Object.fromEntries(Object.entries(kinds).map(([name, unit]) => [name, amount(unit, 25)])),
    warmUps: 0,
    once: async () => countCosts(shop, act),
  })
}
