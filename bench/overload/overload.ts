import { setTimeout as sleep } from 'node:timers/promises'
import { amount, rate, tailMs } from '../harness/results.ts'
import type { Bench, Section } from '../harness/section.ts'
import { quantile } from '../harness/statistics.ts'
import type { OpenLoopOutcome } from '../load/open-loop.ts'
import { Shop } from '../shop/shop.ts'

const users = 1_000
const connections = 128
/** More than orders-service lets wait, so that what is refused is refused by it. */
const connectionsMax = 8_000
/** Its times are tenths of a second. */
const restMs = 5
const services = ['orders-service', 'payments-service', 'gateway'] as const

export const overload: Section = {
  name: 'overload',
  about:
    'Twice as many orders as can be settled: what is accepted settles, the rest is told at once to come again.',
  async run(bench) {
    const shop = await Shop.open(bench.servers, { users })
    try {
      await measureOverload(bench, shop)
    } finally {
      await shop.close()
    }
  },
}

async function measureOverload(bench: Bench, shop: Shop): Promise<void> {
  const seconds = bench.choose({ quick: 9, usual: 60 })
  const before = await measureUnhurried(bench, shop, 'before', seconds / 6)
  const perSecond = Math.round(before * 2)
  const { rows } = await shop.orders.query('select clock_timestamp()::text as now')
  const since = rows[0].now
  const first = shop.watchUsage()
  const memory = sleep((seconds * 1000) / 3).then(() => first.stop())
  const last = sleep((seconds * 2000) / 3).then(() => shop.watchUsage())
  const load = { url: shop.gatewayUrl, perSecond, seconds, users, connectionsMax, restMs }
  const outcome = await shop.load.ask('openLoop', load)
  const [early, late] = [await memory, (await last).stop()]
  await shop.settled()

  const settled = await settledBySecond(shop, since)
  const during = settled.slice(1, seconds)
  const after = await measureUnhurried(bench, shop, 'after', seconds / 6)
  const name = `twice that, ${seconds} s`
  const refused = outcome.answers.filter(({ status }) => status === 503)
  const broken = outcome.answers.filter(({ status }) => status !== 503 && status !== 201)
  bench.record(name, {
    'settled each second': { kind: { ...rate('orders/s'), spreadPercentMax: 30 }, values: during },
    'settled over before and after': { kind: rate('×'), values: [mean(during) / mean([before, after])] },
    'accepted and not settled': {
      kind: amount('orders'),
      values: [Math.max(0, outcome.accepted - settled.reduce((sum, count) => sum + count, 0))],
    },
    'told 503': { kind: amount('orders/s'), values: [refused.length / seconds] },
    'of them without Retry-After': {
      kind: amount('orders'),
      values: [refused.filter(({ retryAfter }) => !retryAfter).length],
    },
    'time until 503, p99': {
      kind: tailMs,
      values: [
        quantile(
          refused.map(({ ms }) => ms),
          0.99,
        ),
      ],
    },
    'time until 201, p99': {
      kind: tailMs,
      values: [
        quantile(
          outcome.answers.filter(({ status }) => status === 201).map(({ ms }) => ms),
          0.99,
        ),
      ],
    },
    'neither 201 nor 503': { kind: amount('orders'), values: [broken.length] },
    ...Object.fromEntries(
      services.flatMap(service => [
        [`${service}: memory`, { kind: amount('MB'), values: [late[service]!.memoryMbMax] }],
        [
          `${service}: last third over first`,
          { kind: amount('×'), values: [late[service]!.memoryMbMax / early[service]!.memoryMbMax] },
        ],
      ]),
    ),
  })
  bench.note(
    `${perSecond} orders were due each second; the load generator took ${Math.round(outcome.cpuMs / seconds / 10)} % of one core.`,
  )
  drawOverload(bench, settled, outcome)
}

/** On both sides of the minute: the machine may have become another in it. */
async function measureUnhurried(bench: Bench, shop: Shop, when: 'before' | 'after', seconds: number) {
  const name = `${when}, as fast as orders are answered`
  await bench.measure({
    name,
    figures: { settled: rate('orders/s') },
    once: async () => ({
      settled: await shop.throughput({ urls: [shop.gatewayUrl], connections, seconds, users }),
    }),
  })
  return bench.result(name, 'settled').median
}

/** Orders settled in each second since. */
async function settledBySecond(shop: Shop, since: string): Promise<number[]> {
  const { rows } = await shop.orders.query(
    `select floor(extract(epoch from updated_at - $1))::int as second, count(*)::int as settled
     from orders where created_at >= $1 and status in ('FINISHED', 'CANCELLED') group by 1`,
    [since],
  )
  const seconds = Array.from({ length: 1 + Math.max(0, ...rows.map(({ second }) => second)) }, () => 0)
  for (const { second, settled } of rows) seconds[second] = settled
  return seconds
}

function drawOverload(bench: Bench, settled: number[], { answers }: OpenLoopOutcome): void {
  const counted = (wanted: number) => {
    const seconds = Array.from(
      { length: 1 + answers.reduce((last, { second }) => Math.max(last, second), 0) },
      () => 0,
    )
    for (const { second, status } of answers) if (status === wanted) seconds[second]!++
    return seconds.map((y, x) => ({ x, y }))
  }
  bench.plot({
    title: 'Twice what can be settled',
    xLabel: 'seconds',
    yLabel: 'orders/s',
    series: [
      { name: 'settled', points: settled.map((y, x) => ({ x, y })) },
      { name: 'accepted, by when due', points: counted(201) },
      { name: 'told 503, by when due', points: counted(503) },
    ],
  })
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
