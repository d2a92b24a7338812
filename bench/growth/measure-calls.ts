import { middleMs, pointOf } from '../harness/results.ts'
import type { Bench } from '../harness/section.ts'
import { Shop } from '../shop/shop.ts'
import { fillShop, orderIdOf, vacuum } from './fill-shop.ts'

const users = 1_000
const figure = 'p50'

/** The time of each public call at the gateway, one after the other, as the tables grow. */
export async function measureCalls(bench: Bench): Promise<void> {
  const sizes = bench.choose({
    quick: [10_000, 100_000],
    usual: [10_000, 100_000, 1_000_000],
    long: [10_000, 100_000, 1_000_000, 10_000_000],
  })
  const count = bench.choose({ quick: 50, usual: 300 })
  const shop = await Shop.open(bench.servers, { users })
  const orders = (rows: number) => `${rows.toLocaleString('en-US')} orders`
  const name = (call: string, rows: number) => `${call}, ${orders(rows)}`
  const sayMillions = (rows: number) => {
    if (rows % 1_000_000 === 0) bench.say(`  ${orders(rows)} are there`)
  }
  let calls: Call[] = []
  try {
    let filled = 0
    for (const rows of sizes) {
      bench.say(`filling the tables up to ${orders(rows)}`)
      await fillShop(shop.databases, filled + 1, rows, users, sayMillions)
      await vacuum(shop.databases)
      filled = rows
      calls = await callsAmong(shop, rows)
      await bench.measure(
        ...calls.map(({ call, method, path, body }) => ({
          name: name(call, rows),
          figures: { [figure]: middleMs },
          once: async () => ({
            [figure]: await shop.load.ask('timeCalls', { url: shop.gatewayUrl, method, path, body, count }),
          }),
        })),
      )
    }
  } finally {
    await shop.close()
  }
  bench.plot({
    title: 'Each call, as the tables grow',
    xLabel: 'orders in the table',
    yLabel: 'ms',
    isXLogarithmic: true,
    series: calls.map(({ call }) => ({
      name: call,
      points: sizes.map(rows => pointOf(rows, bench.result(name(call, rows), figure))),
    })),
  })
}

type Call = { call: string; method: 'GET' | 'POST'; path: string; body: string }

/** In the middle of the tables, where nothing is at hand by accident. */
async function callsAmong({ gatewayUrl }: Shop, rows: number): Promise<Call[]> {
  const order = orderIdOf(Math.round(rows / 2))
  const user = 500
  const get = (call: string, path: string): Call => ({ call, method: 'GET', path, body: '' })
  return [
    { call: 'POST /orders', method: 'POST', path: '/orders', body: `{"user_id":${user},"amount":10.5}` },
    get('GET /orders', '/orders'),
    get('GET /orders, next page', await nextPage(gatewayUrl, '/orders?limit=200')),
    get('GET /orders?status=FINISHED', '/orders?status=FINISHED'),
    get('GET /orders?status=CANCELLED', '/orders?status=CANCELLED'),
    get('GET /orders?user_id', `/orders?user_id=${user}`),
    get('GET /orders/user/{id}', `/orders/user/${user}`),
    get('GET /orders/{id}', `/orders/${order}`),
    get('GET /orders/{id}/timeline', `/orders/${order}/timeline`),
    get('GET /users', '/users'),
    get('GET /users/{id}', `/users/${user}`),
    get('GET /users/{id}/ledger', `/users/${user}/ledger`),
    get('GET /stats', '/stats'),
  ]
}

async function nextPage(gatewayUrl: string, path: string): Promise<string> {
  const response = await fetch(gatewayUrl + path)
  await response.body?.cancel()
  const link = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
  if (!link) throw new Error(`${path} has no next page.`)
  const { pathname, search } = new URL(link, gatewayUrl)
  return pathname + search
}
