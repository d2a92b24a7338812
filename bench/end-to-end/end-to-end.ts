import type { Section } from '../harness/section.ts'
import { Shop } from '../shop/shop.ts'
import { measureFullLoad } from './full-load.ts'
import { measureLatency } from './latency.ts'
import { accounts, measureHotAccount, measureThroughput } from './throughput.ts'

export const endToEnd: Section = {
  name: 'end-to-end',
  about: 'Orders placed over HTTP, paid and settled: how many a second, how fast, and what each one costs.',
  async run(bench) {
    const shop = await Shop.open(bench.servers, { users: accounts })
    try {
      await measureThroughput(bench, shop)
      await measureHotAccount(bench, shop)
      await measureLatency(bench, shop)
      await measureFullLoad(bench, shop)
    } finally {
      await shop.close()
    }
  },
}
