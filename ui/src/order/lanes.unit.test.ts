import { describe, expect, it } from 'vitest'
import type { Hop, HopName, Timeline } from '../api/model.ts'
import { stepsOf, totalMs } from './lanes.ts'

const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString()
const hop = (hop: HopName, ms: number | null, more: Partial<Hop> = {}): Hop => ({
  hop,
  service: 'a-service',
  at: ms === null ? null : at(ms),
  ...more,
})
const timeline = (...hops: Hop[]): Timeline => ({ order_id: 'one', hops })
const whole = timeline(
  hop('accepted', 0),
  hop('published', 4, { topic: 'order_payment_tasks', partition: 3, offset: 42 }),
  hop('received', 9),
  hop('debited', 10),
  hop('result_published', 15, { topic: 'payment_status_updates', partition: 3, offset: 7 }),
  hop('settled', 21),
)

describe('the way of an order', () => {
  it('goes through every lane and back, with the gap before each step', () => {
    const steps = stepsOf(whole)
    expect(steps.map(({ lane }) => lane)).toEqual([
      'Orders',
      'Outbox',
      'Kafka',
      'Payments',
      'Payments',
      'Outbox',
      'Kafka',
      'Orders',
    ])
    expect(steps.map(({ gapMs }) => gapMs)).toEqual([undefined, undefined, 4, 5, 1, undefined, 5, 6])
    expect(steps[2]?.place).toBe('order_payment_tasks · partition 3 · offset 42')
    expect(totalMs(steps)).toBe(21)
  })

  it('is pending from where nothing is known any more', () => {
    const steps = stepsOf(timeline(hop('accepted', 0), hop('result_published', null), hop('settled', null)))
    expect(steps.map(({ state }) => state)).toEqual(['done', 'done', ...Array(6).fill('pending')])
    expect(totalMs(steps)).toBeUndefined()
  })

  it('does not call pending what a message that was discarded would have brought', () => {
    const discarded = {
      service: 'payments-service',
      at: at(20),
      act: '3',
      dead_letter: 'payments/12',
      detail: '',
    }
    const stopped = { ...timeline(hop('accepted', 0), hop('published', 4), hop('received', 9)), discarded }
    expect(stepsOf(stopped).map(({ state }) => state)).toEqual([
      ...Array(4).fill('done'),
      ...Array(4).fill('stopped'),
    ])
    expect(stepsOf({ ...whole, discarded }).map(({ state }) => state)).toEqual(Array(8).fill('done'))
  })

  it('says declined where the account was not debited', () => {
    const steps = stepsOf(timeline(hop('accepted', 0), hop('declined', 8)))
    expect(steps[4]).toMatchObject({ words: 'Declined', state: 'done' })
    expect(steps[5]).toMatchObject({
      words: 'Result in the outbox of payments',
      state: 'done',
      isSameTransaction: true,
    })
  })

  it('does not call a step pending that a later one proves, when only its time is lost', () => {
    const steps = stepsOf(timeline(hop('accepted', 0), hop('settled', 21)))
    expect(steps.slice(2, 7).map(({ state }) => state)).toEqual(Array(5).fill('unknown'))
    expect(steps[7]?.gapMs).toBeUndefined()
  })
})
