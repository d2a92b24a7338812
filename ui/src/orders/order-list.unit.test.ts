import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Order } from '../api/model.ts'
import { anEvent, anOrder } from './order.fixture.ts'
import { isMissing, joinPages, keepKnownOrders, visibleOrders } from './order-list.ts'

const id = fc.integer({ min: 0, max: 60 }).map(n => `01980000-0000-7000-8000-${String(n).padStart(12, '0')}`)
const order = fc
  .record({ id, version: fc.integer({ min: 0, max: 9 }) })
  .map(({ id, version }) => anOrder({ id, updated_at: `2026-01-01T00:00:0${version}.000Z` }))
const pages = fc.array(fc.array(order))

describe('a list of orders', () => {
  it('has every order of its pages once, newest first, in its latest version', () => {
    fc.assert(
      fc.property(pages, pages => {
        const joined = joinPages(pages)
        const all = pages.flat()
        expect(joined.map(({ id }) => id)).toEqual([...new Set(all.map(({ id }) => id))].sort().reverse())
        for (const { id, updated_at } of joined) {
          const versions = all.filter(order => order.id === id).map(order => order.updated_at)
          expect(updated_at).toBe(versions.sort().at(-1))
        }
      }),
    )
  })

  it('keeps the objects it was given, so that unchanged rows are not rendered', () => {
    fc.assert(
      fc.property(pages, pages => {
        const given = new Set<Order>(pages.flat())
        expect(joinPages(pages).every(order => given.has(order))).toBe(true)
      }),
    )
  })

  it('keeps known objects when it is read again, and takes what is newer', () => {
    const [same, changed] = [anOrder({ id: 'a' }), anOrder({ id: 'b' })]
    const newer = anOrder({ id: 'b', status: 'FINISHED', updated_at: '2026-01-01T00:00:09.000Z' })
    const keep = keepKnownOrders([same, changed])
    expect(keep({ ...same })).toBe(same)
    expect(keep(newer)).toBe(newer)
  })

  it('misses an event exactly when its order is in reach of the pages read and not among them', () => {
    fc.assert(
      fc.property(fc.array(order, { minLength: 1 }), id, (page, order_id) => {
        const orders = joinPages([page])
        const inReach = order_id >= orders.at(-1)!.id
        const listed = orders.some(order => order.id === order_id)
        expect(isMissing(anEvent({ order_id }), orders, {})).toBe(inReach && !listed)
      }),
    )
  })

  it('does not miss orders that its filter leaves out', () => {
    expect(isMissing(anEvent({ user_id: 8 }), [], { userId: 7 })).toBe(false)
    expect(isMissing(anEvent({ status: 'FINISHED' }), [], { status: 'CANCELLED' })).toBe(false)
    expect(
      isMissing(anEvent({ status: 'FINISHED', user_id: 7 }), [], { userId: 7, status: 'FINISHED' }),
    ).toBe(true)
  })

  it('drops an order from the pending ones when it settles', () => {
    const [settled, open] = [anOrder({ id: 'b' }), anOrder({ id: 'a' })]
    const eventOf = (id: string) => (id === 'b' ? anEvent({ order_id: 'b', status: 'FINISHED' }) : undefined)
    expect(visibleOrders([settled, open], eventOf, { status: 'NEW' })).toEqual([open])
    expect(visibleOrders([settled, open], eventOf, {})).toEqual([settled, open])
  })
})
