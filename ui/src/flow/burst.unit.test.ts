import { describe, expect, it } from 'vitest'
import { RequestFailed } from '../api/request.ts'
import { anOrder } from '../orders/order.fixture.ts'
import { type BurstProgress, runBurst } from './burst.ts'

function aBurst(total: number, settle: 'before' | 'after' | 'never', refuse = 0) {
  const seen: BurstProgress[] = []
  const accounts: number[] = []
  let tell: (id: string) => void = () => {}
  let count = 0
  const done = runBurst(total, {
    openAccount: async userId => {
      accounts.push(userId)
      return { id: 'a', user_id: userId, balance: 1, created_at: '', updated_at: '' }
    },
    placeOrder: async () => {
      const id = String(++count)
      if (count <= refuse) throw new RequestFailed({ status: 400, code: 'invalid_request', detail: 'No.' })
      if (settle === 'before') tell(id)
      if (settle === 'after') setTimeout(() => tell(id), 5)
      return anOrder({ id })
    },
    random: () => 0.5,
    onProgress: progress => void seen.push(progress),
    followSettled: listener => {
      tell = listener
      return () => {
        tell = () => {}
      }
    },
    signal: new AbortController().signal,
  })
  return { done, seen, accounts }
}

describe('a burst of demo orders', () => {
  it.each(['before', 'after'] as const)(
    'counts every order once when it settles %s its answer',
    async settle => {
      const { done, seen } = aBurst(50, settle)
      await done
      await expect.poll(() => seen.at(-1)).toEqual({ total: 50, answered: 50, failed: 0, settled: 50 })
    },
  )

  it('counts what was refused apart, and goes on', async () => {
    const { done } = aBurst(20, 'never', 3)
    expect(await done).toEqual({ total: 20, answered: 17, failed: 3, settled: 0 })
  })

  it('spends on accounts of its own', async () => {
    const { done, accounts } = aBurst(5, 'never')
    await done
    expect(accounts).toHaveLength(6)
    expect(Math.min(...accounts)).toBeGreaterThan(900_000_000_000)
  })
})
