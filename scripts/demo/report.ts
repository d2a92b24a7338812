import { minorFromChecked } from 'edge/money'
import type { DemoOptions } from './demo-options.ts'
import { inParallel } from './in-parallel.ts'
import { type PlacedOrders, percentile } from './placed-orders.ts'
import type { ShopApi } from './shop-api.ts'

export const amountMinorMin = 100
export const amountMinorMax = 5000
/** Of what its orders cost on average, so that some orders are declined. */
const fundedPercent = 90n

/** What each account gets; for few orders at least so much of the largest one, or most of them would be declined. */
export const depositMinor = ({ orders, accounts }: DemoOptions): bigint => {
  const ofEach = BigInt(Math.ceil(orders / accounts))
  const average = (ofEach * BigInt(amountMinorMin + amountMinorMax)) / 2n
  const largest = BigInt(amountMinorMax)
  return ((average > largest ? average : largest) * fundedPercent) / 100n
}

/** Prints how it went and answers the exit code. */
export async function report(
  api: ShopApi,
  options: DemoOptions,
  users: number[],
  placed: PlacedOrders,
  startedAt: number,
): Promise<number> {
  const { finished, cancelled, unsettled, spentMinor } = placed.outcome
  let leftMinor = 0n
  await inParallel(users, options.concurrency, async userId => {
    const { body } = await api.get(`/users/${userId}`)
    leftMinor += minorFromChecked(Number(body.balance))
  })
  const depositedMinor = depositMinor(options) * BigInt(users.length)
  const seconds = (placed.lastSettledAt - startedAt) / 1000
  const differenceMinor = depositedMinor - leftMinor - spentMinor
  const rows: [string, string][] = [
    ['placed', String(options.orders)],
    ['finished', String(finished)],
    ['cancelled', String(cancelled)],
    ...(unsettled.length > 0 ? [['not settled', String(unsettled.length)] satisfies [string, string]] : []),
    ['orders/s', (placed.settledCount / seconds).toFixed(0)],
    ['p50 placing to settled', `${percentile(placed.latenciesMs, 50).toFixed(1)} ms`],
    ['p99 placing to settled', `${percentile(placed.latenciesMs, 99).toFixed(1)} ms`],
    ['money before', money(depositedMinor)],
    ['money after', `${money(leftMinor)} + ${money(spentMinor)} spent`],
  ]
  console.log(`\n${rows.map(([name, value]) => `  ${name.padEnd(24)}${value}`).join('\n')}\n`)
  if (unsettled.length > 0) {
    console.log(
      `${unsettled.length} orders were not settled within ${options.settleSecondsMax} s, the first is ${unsettled[0]}: ask GET /orders/${unsettled[0]}/timeline where it is.`,
    )
    return 1
  }
  if (differenceMinor !== 0n) {
    console.log(`The money does not add up: ${money(differenceMinor)} too much is gone. This is a bug.`)
    return 1
  }
  console.log('Every order is settled and the money adds up.')
  return 0
}

const money = (minor: bigint): string => {
  const digits = String(minor < 0n ? -minor : minor).padStart(3, '0')
  return `${minor < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}
