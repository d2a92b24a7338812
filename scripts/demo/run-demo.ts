import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { decimalFromMinor } from 'edge/money'
import { nobodyAt, notTheGatewayAt } from '../system/gateway-url.ts'
import type { DemoOptions } from './demo-options.ts'
import { inParallel } from './in-parallel.ts'
import { followOrders } from './order-stream.ts'
import { PlacedOrders } from './placed-orders.ts'
import { showProgress } from './progress.ts'
import { amountMinorMax, amountMinorMin, depositMinor, report } from './report.ts'
import { ShopApi } from './shop-api.ts'

const pollMs = 50
/** How many orders are asked for one by one when events may have been missed. */
const askAtOnce = 16

/** Answers the exit code: 0 only when every order is settled and the money adds up. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { gatewayUrl, orders, accounts, settleSecondsMax } = options
  const mistake = await whyNoGateway(gatewayUrl)
  if (mistake) {
    console.log(mistake)
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

async function whyNoGateway(gatewayUrl: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${gatewayUrl}/health`, { signal: AbortSignal.timeout(5000) })
    const health = (await response.json().catch(() => ({}))) as { service?: string }
    return health.service === 'gateway' ? undefined : notTheGatewayAt(gatewayUrl)
  } catch {
    return nobodyAt(gatewayUrl)
  }
}

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
