import type { Hop } from 'edge/timeline'
import { expect, test } from 'vitest'
import { joinTimelines } from './timeline.ts'

const hop = (name: Hop['hop'], at: string | null = '2026-01-01T00:00:00.000Z'): Hop => ({
  hop: name,
  service: 's',
  at,
})
const names = (hops: Hop[]) => hops.map(({ hop }) => hop)
const orders = { order_id: 'o', hops: [hop('accepted'), hop('result_published'), hop('settled')] }

test('hops are told in the way of the order, whoever knows them and whatever the clocks say', () => {
  const payments = {
    order_id: 'o',
    hops: [hop('debited'), hop('published', '2027-01-01T00:00:00.000Z'), hop('received')],
  }
  const joined = joinTimelines(orders, payments)
  expect(names(joined.hops)).toEqual([
    'accepted',
    'published',
    'received',
    'debited',
    'result_published',
    'settled',
  ])
  expect(joined.missing).toBeUndefined()
})

test('without payments it says what is missing', () => {
  const joined = joinTimelines(orders, undefined)
  expect(names(joined.hops)).toEqual(['accepted', 'result_published', 'settled'])
  expect(joined.missing).toEqual(['payments-service'])
})

test('a hop that both know is told once, by the one that knows its time', () => {
  const joined = joinTimelines(
    { order_id: 'o', hops: [hop('published', null)] },
    { order_id: 'o', hops: [hop('published')] },
  )
  expect(joined.hops).toEqual([hop('published')])
})

test('a message that was discarded is told by whichever of the two knows it, the result before the task', () => {
  const discardedAt = (service: string) => ({ service, at: '', act: '1', dead_letter: '', detail: '' })
  const payments = { order_id: 'o', hops: [hop('received')], discarded: discardedAt('payments-service') }
  expect(joinTimelines(orders, payments).discarded).toEqual(payments.discarded)
  const discarded = discardedAt('orders-service')
  expect(joinTimelines({ ...orders, discarded }, payments).discarded).toEqual(discarded)
  expect(joinTimelines(orders, undefined)).not.toHaveProperty('discarded')
})
