import { describe, expect, it } from 'vitest'
import { type Sample, sampleOf, withSample } from './samples.ts'

const sample = (at: number): Sample => ({
  at,
  ordersWaiting: 0,
  paymentsWaiting: 0,
  ordersLag: 0,
  paymentsLag: 0,
})

describe('samples of the flow', () => {
  it('are kept for three minutes, each once', () => {
    let kept: Sample[] = []
    for (let second = 0; second <= 400; second++) {
      kept = withSample(withSample(kept, sample(second * 1_000)), sample(second * 1_000))
    }
    expect(kept).toHaveLength(180)
    expect(kept.at(-1)?.at).toBe(400_000)
  })

  it('have a gap where a service did not answer, and no invented zero', () => {
    const { ordersLag, paymentsWaiting } = sampleOf({
      at: '2026-01-01T00:00:00Z',
      orders: null,
      payments: null,
    })
    expect([ordersLag, paymentsWaiting]).toEqual([null, null])
  })
})
