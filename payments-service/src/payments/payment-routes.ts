import { type App, answers } from 'edge/app'
import { Timeline } from 'edge/timeline'
import type { Kysely } from 'kysely'
import { Type } from 'typebox'
import type { PaymentsDatabase } from '../database.ts'
import { findPaymentTimeline } from './payment-timeline.ts'

const OrderParams = Type.Object(
  { order_id: Type.String({ format: 'uuid', examples: ['019aa5c1-1f60-7b0e-8f6d-5a7e3c9d2b14'] }) },
  { additionalProperties: false },
)

export function registerPaymentRoutes(app: App, db: Kysely<PaymentsDatabase>): void {
  app.get(
    '/payments/order/:order_id/timeline',
    {
      schema: {
        tags: ['payments'],
        summary: 'What payments knows of the way of an order',
        description:
          'Internal: the gateway joins it into `GET /orders/{id}/timeline`. No hops where the task of the order ' +
          'has not been received here, or there is no such order: only orders can tell the two apart.',
        params: OrderParams,
        response: answers({ 200: Timeline }, 400, 500, 503),
      },
    },
    async request => findPaymentTimeline(db, request.params.order_id.toLowerCase()),
  )
}
