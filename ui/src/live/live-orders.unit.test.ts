import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { anEvent, anOrder } from '../orders/order.fixture.ts'
import { LiveOrders, withEvent } from './live-orders.ts'

const status = fc.constantFrom('NEW', 'PENDING_PAYMENT', 'FINISHED', 'CANCELLED')

describe('an order and its events', () => {
  it('turns settled with its reason', () => {
    const event = anEvent({
      status: 'CANCELLED',
      reason: 'insufficient_funds',
      timestamp: '2026-01-01T00:00:01Z',
    })
    expect(withEvent(anOrder({ status: 'NEW' }), event)).toMatchObject({
      status: 'CANCELLED',
      reason: 'insufficient_funds',
      updated_at: '2026-01-01T00:00:01Z',
    })
  })

  it('never goes back, whatever arrives in whatever order', () => {
    fc.assert(
      fc.property(status, fc.array(status), (first, later) => {
        let order = anOrder({ status: first })
        let settled = order.status === 'FINISHED' || order.status === 'CANCELLED' ? order.status : undefined
        for (const status of later) {
          order = withEvent(order, anEvent({ status }))
          if (settled) expect(order.status).toBe(settled)
          if (order.status === 'FINISHED' || order.status === 'CANCELLED') settled = order.status
        }
      }),
    )
  })

  it('stays the same object when an event tells nothing new, so that its row is not rendered again', () => {
    const order = anOrder({ status: 'FINISHED' })
    expect(withEvent(order, anEvent({ status: 'FINISHED' }))).toBe(order)
  })
})

describe('live orders', () => {
  it('tell only the followers of the order that changed, and an event repeated tells nobody', () => {
    const live = new LiveOrders()
    const [mine, other] = [vi.fn(), vi.fn()]
    live.followOrder('a', mine)
    live.followOrder('b', other)
    const event = anEvent({ order_id: 'a', status: 'FINISHED' })
    expect([live.take(event), live.take({ ...event })]).toEqual([true, false])
    expect(mine).toHaveBeenCalledTimes(1)
    expect(other).not.toHaveBeenCalled()
  })

  it('hold a bounded number of events and forget the oldest', () => {
    const live = new LiveOrders(2)
    for (const order_id of ['a', 'b', 'c']) live.take(anEvent({ order_id }))
    expect(['a', 'b', 'c'].map(id => live.get(id) !== undefined)).toEqual([false, true, true])
  })
})
