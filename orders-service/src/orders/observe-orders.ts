import { SpanKind } from '@opentelemetry/api'
import { readInTime } from 'edge/read-in-time'
import { readingMsMax, secondsBuckets } from 'edge/telemetry/metrics'
import { gaugesIn } from 'edge/telemetry/observe-engine'
import type { Telemetry } from 'edge/telemetry/start-telemetry'
import { Counter, Histogram } from 'prom-client'
import type { OrderCounts } from '../stats/order-counts.ts'
import type { SettledOrder } from './order.ts'
import type { Placement, PlaceRequest } from './place-orders.ts'

type Place = (requests: PlaceRequest[]) => Promise<Placement[]>

/** Gives each order a span of the transaction that places it; what the outbox hands on is that span. */
export function tracePlacing({ tracing }: Pick<Telemetry, 'tracing'>, place: Place): Place {
  if (!tracing) return place
  return async requests => {
    const span = tracing.share(
      SpanKind.INTERNAL,
      requests.map(({ traceparent }) => traceparent),
      () => ({ name: 'place orders' }),
    )
    try {
      const placements = await place(
        requests.map((request, i) => ({ ...request, traceparent: span.traceparents[i] })),
      )
      span.end()
      return placements
    } catch (error) {
      span.end(error)
      throw error
    }
  }
}

/** What the shop itself is about: orders placed, settled, and how long that took. */
export function observeOrders(
  { metrics }: Pick<Telemetry, 'metrics'>,
  readCounts: () => Promise<OrderCounts>,
) {
  const registers = [metrics.registry]
  const settledTotal = new Counter({
    name: 'orders_settled_total',
    help: 'Orders settled by this instance, by how they ended',
    labelNames: ['status', 'reason'],
    registers,
  })
  const settleSeconds = new Histogram({
    name: 'order_time_to_settle_seconds',
    help: 'From placing an order to settling it',
    buckets: secondsBuckets,
    registers,
  })
  const orders = gaugesIn(metrics)(
    'orders',
    'Orders by status; estimates where there are very many',
    'status',
  )
  metrics.beforeScrape(async () => {
    const counts = await readInTime(readCounts(), readingMsMax)
    for (const status of ['open', 'finished', 'cancelled'] as const) {
      orders.set({ status }, counts?.[status] ?? Number.NaN)
    }
  })
  return {
    /** Just before their commit: should that fail, they are counted again when they are settled again. */
    onSettled(settled: readonly SettledOrder[]): void {
      for (const order of settled) {
        const reason = order.status === 'CANCELLED' ? order.reason : ''
        settledTotal.inc({ status: order.status.toLowerCase(), reason })
        settleSeconds.observe((order.updatedAt.getTime() - order.createdAt.getTime()) / 1_000)
      }
    },
  }
}
