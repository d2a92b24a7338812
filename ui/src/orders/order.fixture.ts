import type { Order } from '../api/model.ts'
import type { OrderEvent } from '../live/order-event.ts'

export const anOrder = (some: Partial<Order> = {}): Order => ({
  id: '01980000-0000-7000-8000-000000000001',
  user_id: 7,
  amount: 10.5,
  description: 'Coffee',
  status: 'NEW',
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
  ...some,
})

export const anEvent = (some: Partial<OrderEvent> = {}): OrderEvent => ({
  order_id: '01980000-0000-7000-8000-000000000001',
  user_id: 7,
  amount: 10.5,
  status: 'FINISHED',
  timestamp: '2026-01-01T00:00:01.000Z',
  ...some,
})
