import { pointOf, rate } from '../harness/results.ts'
import type { Bench } from '../harness/section.ts'
import { openInserts } from '../limits/insert-orders.ts'
import type { Shop } from '../shop/shop.ts'

const doors = ['orders-service', 'gateway'] as const
export const accounts = 1_000
export const busyConnections = 128
const name = (door: string, connections: number) => `at ${door}, ${connections} connections`

export async function measureThroughput(bench: Bench, shop: Shop): Promise<void> {
  const seconds = bench.choose({ quick: 2, usual: 5 })
  const counts = bench.choose({ quick: [1, busyConnections], usual: [1, 32, busyConnections, 512] })
  const scenario = (door: (typeof doors)[number], connections: number) => ({
    name: name(door, connections),
    figures: { settled: rate('orders/s') },
    once: async () => ({
      settled: await shop.throughput({
        urls: door === 'gateway' ? [shop.gatewayUrl] : shop.ordersUrls,
        connections,
        seconds,
        users: accounts,
      }),
    }),
  })
  // In turns, for their ratios.
  const inserts = await openInserts(bench)
  for (const connections of counts) {
    const limit = connections === busyConnections ? [inserts.scenario(32)] : []
    await bench.measure(...doors.map(door => scenario(door, connections)), ...limit)
  }
  await inserts.close()
  bench.plot({
    title: 'Settled orders a second',
    xLabel: 'connections',
    yLabel: 'orders/s',
    isXLogarithmic: true,
    series: doors.map(door => ({
      name: door,
      points: counts.map(connections =>
        pointOf(connections, bench.result(name(door, connections), 'settled')),
      ),
    })),
  })
}

/** All orders of one account are decided one after the other, in one partition. */
export async function measureHotAccount(bench: Bench, shop: Shop): Promise<void> {
  const seconds = bench.choose({ quick: 2, usual: 5 })
  await bench.measure(
    ...[1, accounts].map(users => ({
      name: users === 1 ? 'one hot account' : `${users} accounts`,
      figures: { settled: rate('orders/s') },
      once: async () => ({
        settled: await shop.throughput({
          urls: shop.ordersUrls,
          connections: busyConnections,
          seconds,
          users,
        }),
      }),
    })),
  )
}
