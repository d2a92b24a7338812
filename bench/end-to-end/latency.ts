import { middleMs, tailMs } from '../harness/results.ts'
import type { Bench } from '../harness/section.ts'
import { quantile } from '../harness/statistics.ts'
import { openBareChain } from '../limits/bare-chain.ts'
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
  const half = Math.round(highest / 2)
  bench.note(`Half of the highest rate was ${half} orders/s.`)
  const scenario = (name: string, url: string, perSecond: number) => ({
    name: `POST to settled, ${name}`,
    figures: { p50: middleMs, p99: tailMs },
    async once() {
      const { settledMs } = await shop.load.ask('openLoop', {
        url,
        streamUrl: url,
        perSecond,
        seconds: seconds + firstSeconds,
        users: accounts,
        connectionsMax,
      })
      const steady = settledMs.slice(Math.round(perSecond * firstSeconds))
      return { p50: quantile(steady, 0.5), p99: quantile(steady, 0.99) }
    },
  })
  // In turns, for their ratio: a time alone says as much of the machine as of us.
  const bare = await openBareChain(shop.servers, shop.kafka)
  await bench.measure(
    scenario('100/s', shop.gatewayUrl, 100),
    scenario('100/s, by the bare chain', bare.url, 100),
  )
  await bare.close()
  await bench.measure(
    scenario('1,000/s', shop.gatewayUrl, 1_000),
    scenario('half of the highest rate', shop.gatewayUrl, half),
  )
}
