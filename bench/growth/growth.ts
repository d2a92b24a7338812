import { pointOf, rate } from '../harness/results.ts'
import type { Bench, Section } from '../harness/section.ts'
import { openAccounts, Shop, type ShopOptions } from '../shop/shop.ts'
import { measureCalls } from './measure-calls.ts'

const connections = 128
const users = 1_000

export const growth: Section = {
  name: 'growth',
  about: 'The same with more partitions, more instances, more accounts, and as the tables grow.',
  async run(bench) {
    await measureShops(bench, 'partitions', bench.choose({ quick: [1, 16], usual: [1, 4, 16] }))
    await measureShops(bench, 'instances', bench.choose({ quick: [2], usual: [1, 2, 3] }))
    await measureAccounts(bench)
    await measureCalls(bench)
  },
}

/** Shops that differ in one thing, one after the other: two at once would share the machine. */
async function measureShops(bench: Bench, what: 'partitions' | 'instances', counts: number[]): Promise<void> {
  const name = (count: number) => `${count} ${count === 1 ? what.slice(0, -1) : what}`
  for (const count of counts) {
    const options: ShopOptions = { users, [what]: count }
    const shop = await Shop.open(bench.servers, options)
    try {
      await bench.measure(throughputOf(bench, shop, name(count), users))
    } finally {
      await shop.close()
    }
  }
  drawRates(bench, what, counts, name)
}

async function measureAccounts(bench: Bench): Promise<void> {
  const counts = bench.choose({ quick: [100, 10_000], usual: [100, 10_000, 1_000_000] })
  const name = (count: number) => `${count.toLocaleString('en-US')} accounts`
  const shop = await Shop.open(bench.servers, { users: counts[0]! })
  try {
    let open = counts[0]!
    for (const count of counts) {
      if (count > open) await openAccounts(shop.databases.payments, open + 1, count)
      open = count
      await bench.measure(throughputOf(bench, shop, name(count), count))
    }
  } finally {
    await shop.close()
  }
  drawRates(bench, 'accounts', counts, name)
}

function throughputOf(bench: Bench, shop: Shop, name: string, users: number) {
  const seconds = bench.choose({ quick: 2, usual: 5 })
  return {
    name,
    figures: { settled: rate('orders/s') },
    once: async () => ({
      settled: await shop.throughput({ urls: shop.ordersUrls, connections, seconds, users }),
    }),
  }
}

function drawRates(bench: Bench, what: string, counts: number[], name: (count: number) => string): void {
  bench.plot({
    title: `Settled orders a second, by ${what}`,
    xLabel: what,
    yLabel: 'orders/s',
    isXLogarithmic: true,
    series: [
      { name: 'settled', points: counts.map(count => pointOf(count, bench.result(name(count), 'settled'))) },
    ],
  })
}
