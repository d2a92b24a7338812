import { openAccount, placeOrder } from '../api/gateway.ts'
import { RequestFailed } from '../api/request.ts'
import { newKey } from '../shop/new-key.ts'

export type BurstProgress = { total: number; answered: number; failed: number; settled: number }
export type BurstDependencies = {
  openAccount?: typeof openAccount
  placeOrder?: typeof placeOrder
  random?: () => number
  onProgress(progress: BurstProgress): void
  /** Calls back with the id of every order that settles, until the answered function is called. */
  followSettled(listener: (orderId: string) => void): () => void
  signal: AbortSignal
}

const accountsCount = 6
const inFlightMax = 8
const attemptsMax = 4
const dearestMinor = 50_00
const wares = ['Coffee', 'Two books', 'Bicycle bell', 'Lamp', 'Notebook', 'قهوة', 'Käsekuchen', '便箋']

/** The accounts of demo orders have numbers that nobody types, and their own balance: nobody's money moves. */
const firstDemoAccount = 900_000_000_000

/**
 * Places `total` demo orders over a few accounts opened for it, with balances that cover most and not all of them.
 * Resolves when each is answered; settling is followed until the signal aborts.
 */
export async function runBurst(total: number, dependencies: BurstDependencies): Promise<BurstProgress> {
  const {
    random = Math.random,

    onProgress,
    followSettled,
    signal,
  } = dependencies
  const place = dependencies.placeOrder ?? placeOrder
  const open = dependencies.openAccount ?? openAccount
  const progress: BurstProgress = { total, answered: 0, failed: 0, settled: 0 }
  const mine = new Set<string>()
  const early = new Set<string>()
  // An order may settle before its own answer arrives.
  const unfollow = followSettled(id => {
    if (mine.delete(id)) report({ settled: progress.settled + 1 })
    else if (progress.answered + progress.failed < total) early.add(id)
    if (progress.settled + progress.failed === total) unfollow()
  })
  signal.addEventListener('abort', unfollow, { once: true })

  const first = firstDemoAccount + Math.floor(random() * 1_000_000_000)
  const covered = BigInt(Math.ceil((total / accountsCount) * (dearestMinor / 2) * 0.85))
  const accounts = Array.from({ length: accountsCount }, (_, index) => first + index)
  await Promise.all(accounts.map(account => untilAnswered(() => open(account, covered), signal)))

  let next = 0
  const placeSome = async () => {
    while (next < total && !signal.aborted) {
      const number = next++
      const order = {
        userId: accounts[number % accountsCount] as number,
        amountMinor: BigInt(1 + Math.floor(random() * dearestMinor)),
        description: wares[number % wares.length] as string,
      }
      const key = newKey()
      const placed = await untilAnswered(() => place(order, key), signal).catch(() => undefined)
      if (!placed) report({ failed: progress.failed + 1 })
      else if (early.delete(placed.id))
        report({ answered: progress.answered + 1, settled: progress.settled + 1 })
      else {
        mine.add(placed.id)
        report({ answered: progress.answered + 1 })
      }
    }
  }
  await Promise.all(Array.from({ length: inFlightMax }, placeSome))
  return progress

  function report(changed: Partial<BurstProgress>): void {
    Object.assign(progress, changed)
    onProgress({ ...progress })
  }
}

/** Tries again where that can help; the key of an order makes that safe. */
async function untilAnswered<Answer>(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      const canHelp = error instanceof RequestFailed && error.isTransient
      if (!canHelp || attempt === attemptsMax || signal.aborted) throw error
      await new Promise(resolve => setTimeout(resolve, 250 * 2 ** attempt))
    }
  }
}
