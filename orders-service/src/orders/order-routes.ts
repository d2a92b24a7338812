import { type App, answers } from 'edge/app'
import { IdempotencyHeaders, idempotencyKeyReused, idempotentRequest } from 'edge/idempotency'
import { minorFromChecked } from 'edge/money'
import { decodeCursor, PageQuery, sendPage, uuidForm } from 'edge/page'
import { Problem } from 'edge/problem'
import { Timeline } from 'edge/timeline'
import { UserId, UserParams } from 'edge/user-id'
import type { Kysely } from 'kysely'
import { Type } from 'typebox'
import type { OrdersDatabase } from '../database.ts'
import type { Gatherer } from './gather.ts'
import type { OrderStatus } from './order.ts'
import { NewOrder, OrderId, OrderSchema, orderAnswer, Status } from './order-schema.ts'
import type { Placement, PlaceRequest } from './place-orders.ts'
import { findOrder, findTimeline, listOrders } from './read-orders.ts'

export type Placer = Gatherer<PlaceRequest, Placement>

const tags = ['orders']
const OrderRef = Type.Unsafe<Record<string, unknown>>({ $ref: 'Order#' })
const OrderParams = Type.Object({ id: OrderId }, { additionalProperties: false })
const header = (description: string) => ({ type: 'string', description })
const next = { Link: header('RFC 8288: `<…>; rel="next"`, where there is more') }
const OrderPage = { ...Type.Array(OrderRef), description: 'Newest first', headers: next }

export function registerOrderRoutes(app: App, db: Kysely<OrdersDatabase>, placer: Placer): void {
  app.addSchema(OrderSchema)

  app.post('/orders', { schema: placeSchema }, async (request, reply) => {
    const { user_id, amount, description = null } = request.body
    const placement = await placer.submit({
      command: { userId: user_id, amountMinor: minorFromChecked(amount), description },
      idempotency: idempotentRequest(request.headers['idempotency-key'], [user_id, amount, description]),
      traceparent: traceparentOf(request.headers.traceparent),
    })
    const { answer, isReplayed } = placementAnswer(placement)
    request.about = { order_id: answer.id }
    if (isReplayed) reply.header('idempotency-replayed', 'true')
    return reply.code(201).header('location', `/orders/${answer.id}`).send(answer)
  })

  app.get('/orders', { schema: listSchema }, async (request, reply) => {
    const { user_id: userId, status, limit, cursor } = request.query
    return sendOrders(request, reply, { userId, status, limit, cursor })
  })

  app.get('/orders/user/:user_id', { schema: listOfUserSchema }, async (request, reply) => {
    const { limit, cursor } = request.query
    return sendOrders(request, reply, { userId: request.params.user_id, limit, cursor })
  })

  app.get('/orders/:id', { schema: findSchema }, async request => {
    const order = await findOrder(db, request.params.id)
    if (!order) throw orderNotFound(request.params.id)
    return orderAnswer(order)
  })

  app.get('/orders/:id/timeline', { schema: timelineSchema }, async request => {
    const timeline = await findTimeline(db, request.params.id)
    if (!timeline) throw orderNotFound(request.params.id)
    return timeline
  })

  async function sendOrders(
    request: Parameters<typeof sendPage>[0],
    reply: Parameters<typeof sendPage>[1],
    wanted: { userId?: number; status?: OrderStatus; limit: number; cursor?: string },
  ) {
    const before = decodeCursor(wanted.cursor, uuidForm)
    const orders = await listOrders(db, { ...wanted, before, limit: wanted.limit + 1 })
    return sendPage(request, reply, orders, wanted.limit, ({ id }) => id).map(orderAnswer)
  }
}

/** What is not in the form of W3C trace context is not passed on: it would be in every message of the order. */
function traceparentOf(given: unknown): string | undefined {
  const form = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
  return typeof given === 'string' && form.test(given) ? given : undefined
}

function placementAnswer(placement: Awaited<ReturnType<Placer['submit']>>) {
  switch (placement.kind) {
    case 'placed':
      return { answer: placement.answer, isReplayed: false }
    case 'replayed':
      return { answer: placement.answer, isReplayed: true }
    case 'key_reused':
      throw idempotencyKeyReused()
    case 'key_expired':
      throw tryAgain(
        'unavailable',
        'The Idempotency-Key expired just now. Nothing was placed; send the order again.',
      )
    case 'overloaded':
      throw tryAgain(
        'overloaded',
        'More orders wait here than can be placed in time. Nothing was placed; try again.',
      )
  }
}

const tryAgain = (code: string, detail: string) =>
  new Problem(503, code, detail, { headers: { 'retry-after': '1' } })

const orderNotFound = (id: string) => new Problem(404, 'order_not_found', `There is no order ${id}.`)

const placeSchema = {
  tags,
  summary: 'Place an order',
  description:
    'Answers as soon as the order is stored; it is paid from the balance of the user and settled a moment later. ' +
    'Send an Idempotency-Key to be able to try again safely: the same key and body give the first answer again.',
  headers: IdempotencyHeaders,
  body: NewOrder,
  response: answers(
    {
      201: {
        ...OrderRef,
        description: 'The order, with status NEW',
        headers: {
          Location: header('Path of the order'),
          'Idempotency-Replayed': header('`true` where this is the first answer again'),
        },
      },
    },
    400,
    413,
    415,
    422,
    500,
    503,
  ),
}

const listSchema = {
  tags,
  summary: 'List orders',
  querystring: Type.Object(
    { user_id: Type.Optional(UserId), status: Type.Optional(Status), ...PageQuery },
    { additionalProperties: false },
  ),
  response: answers({ 200: OrderPage }, 400, 500, 503),
}

const listOfUserSchema = {
  tags,
  summary: 'List the orders of one user',
  description: 'A user that nobody has heard of has no orders: the list is empty.',
  params: UserParams,
  querystring: Type.Object(PageQuery, { additionalProperties: false }),
  response: answers({ 200: OrderPage }, 400, 500, 503),
}

const findSchema = {
  tags,
  summary: 'Find an order',
  params: OrderParams,
  response: answers({ 200: { ...OrderRef, description: 'The order' } }, 400, 404, 500, 503),
}

const timelineSchema = {
  tags,
  summary: "Follow an order's way",
  description: 'The hops that this service knows; the gateway adds those that payments knows.',
  params: OrderParams,
  response: answers({ 200: { ...Timeline, description: 'Hops in the order taken' } }, 400, 404, 500, 503),
}
