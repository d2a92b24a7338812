import { middleMs, tailMs } from '../harness/results.ts'
import type { Bench } from '../harness/section.ts'
import { quantile } from '../harness/statistics.ts'
import type { Shop } from '../shop/shop.ts'
import { accounts } from './end-to-end.ts'
import { busyConnections } from './throughput.ts'

const connectionsMax = 1_000
/** Left out: connections are being made. */
const firstSeconds = 1

/** From when an order was due to its event at the client's stream, both through the gateway. */
export async function measureLatency(bench: Bench, shop: Shop): Promise<void> {
  const highest = bench.result(`at gateway, ${busyConnections} connections`, 'settled').median
  const seconds = bench.choose({ quick: 3, usual: 10 })
  const rates = [
    { name: '100/s', perSecond: 100 },
    { name: '1,000/s', perSecond: 1_000 },
    { name: 'half of the highest rate', perSecond: Math.round(highest / 2) },
  ]
  bench.note(`Half of the highest rate was ${rates[2]!.perSecond} orders/s.`)
  await bench.measure(
    ...rates.map(({ name, perSecond }) => ({
      name: `POST to settled, ${name}`,
      figures: { p50: middleMs, p99: tailMs },
      async once() {
        const { settledMs } = await shop.load.ask('openLoop', {
          url: shop.gatewayUrl,
          streamUrl: shop.gatewayUrl,
          perSecond,
          seconds: seconds + firstSeconds,
          users: accounts,
          connectionsMax,
        })
        const steady = settledMs.slice(Math.round(perSecond * firstSeconds))
        return { p50: quantile(steady, 0.5), p99: quantile(steady, 0.99) }
      },
    })),
  )
}
