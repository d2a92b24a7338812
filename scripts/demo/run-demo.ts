import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { decimalFromMinor, minorFromChecked } from 'edge/money'
import type { DemoOptions } from './demo-options.ts'
import { followOrders } from './order-stream.ts'
import { PlacedOrders, percentile } from './placed-orders.ts'
import { showProgress } from './progress.ts'
import { ShopApi } from './shop-api.ts'

const amountMinorMin = 100
const amountMinorMax = 5000
/** Of what its orders cost on average, so that some orders are declined. */
const fundedPercent = 90
const pollMs = 50
/** How many orders are asked for one by one when events may have been missed. */
const askAtOnce = 16

/** Answers the exit code: 0 only when every order is settled and the money adds up. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { gatewayUrl, orders, accounts, settleSecondsMax } = options
  if (!(await isUp(gatewayUrl))) {
    console.log(`Nothing answers at ${gatewayUrl}. Start the system with npm start, or set GATEWAY_URL.`)
    return 1
  }
  const api = new ShopApi(gatewayUrl, options.concurrency)
  const stopFollowing = new AbortController()
  try {
    console.log(`Opening ${accounts} accounts and placing ${orders} orders at ${gatewayUrl}`)
    const users = await openAccounts(api, options)
    const placed = new PlacedOrders()
    const mine = new Set(users)
    let missed = false
    await followOrders(
      gatewayUrl,
      stopFollowing.signal,
      event => mine.has(event.user_id) && placed.settled(event.order_id, event.status, performance.now()),
      () => {
        missed = true
      },
    )
    const progress = showProgress(orders)
    const ticking = setInterval(() => progress.update(placed.settledCount), 100)
    const startedAt = performance.now()
    await placeOrders(api, options, users, placed)
    const deadline = performance.now() + settleSecondsMax * 1000
    while (placed.settledCount < orders && performance.now() < deadline) {
      if (missed) {
        missed = false
        await askForUnsettled(api, placed)
      }
      await sleep(pollMs)
    }
    // The stream may have broken at the very end: the orders themselves have the last word.
    await askForUnsettled(api, placed)
    clearInterval(ticking)
    progress.update(placed.settledCount)
    progress.stop()
    return await report(api, options, users, placed, startedAt)
  } catch (error) {
    console.log(`The demo was given up. ${(error as Error).message}`)
    return 1
  } finally {
    stopFollowing.abort()
    await api.close()
  }
}

async function isUp(gatewayUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${gatewayUrl}/health`, { signal: AbortSignal.timeout(5000) })
    await response.body?.cancel()
    return true
  } catch {
    return false
  }
}

const depositMinor = ({ orders, accounts }: DemoOptions): bigint =>
  BigInt(Math.ceil((orders / accounts) * ((amountMinorMin + amountMinorMax) / 2) * (fundedPercent / 100)))

async function openAccounts(api: ShopApi, options: DemoOptions): Promise<number[]> {
  // New ids at every run, and far below 2^53.
  const firstId = Date.now() * 1000 + randomInt(1000)
  const users = Array.from({ length: options.accounts }, (_, index) => firstId + index)
  const deposit = decimalFromMinor(depositMinor(options))
  await inParallel(users, options.concurrency, async userId => {
    await api.post('/users', { user_id: userId })
    await api.patch(`/users/${userId}`, { balance_change: deposit }, randomUUID())
  })
  return users
}

/**
 * Open loop with a rate: each order is due at its time whatever became of the others, and its latency counts from
 * then. Without one every worker places its next order when the last was accepted.
 */
async function placeOrders(
  api: ShopApi,
  { orders, rate, concurrency }: DemoOptions,
  users: number[],
  placed: PlacedOrders,
): Promise<void> {
  const startedAt = performance.now()
  await inParallel([...Array(orders).keys()], concurrency, async index => {
    const dueAt = rate > 0 ? startedAt + (index * 1000) / rate : performance.now()
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    const amountMinor = BigInt(randomInt(amountMinorMin, amountMinorMax + 1))
    const order = { user_id: users[index % users.length]!, amount: decimalFromMinor(amountMinor) }
    const { body } = await api.post('/orders', { ...order, description: `demo ${index + 1}` }, randomUUID())
    placed.placed(String(body.id), amountMinor, dueAt)
  })
}

async function askForUnsettled(api: ShopApi, placed: PlacedOrders): Promise<void> {
  await inParallel(placed.outcome.unsettled, askAtOnce, async orderId => {
    const { body } = await api.get(`/orders/${orderId}`)
    placed.settled(orderId, String(body.status), performance.now())
  })
}

async function report(
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

/** In the order given, at most `workers` at once; the first failure ends it. */
async function inParallel<Item>(
  items: readonly Item[],
  workers: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < items.length) await act(items[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, work))
}
