import { type App, answers } from 'edge/app'
import { decodeCursor, PageQuery, pageHeaders, sendPage, uuidForm } from 'edge/page'
import { Problem } from 'edge/problem'
import { Timeline } from 'edge/timeline'
import { UserId, UserParams } from 'edge/user-id'
import type { Kysely } from 'kysely'
import { Type } from 'typebox'
import type { OrdersDatabase } from '../database.ts'
import type { OrderStatus } from './order.ts'
import { OrderId, OrderRef, orderAnswer, Status } from './order-schema.ts'
import { findOrder, findTimeline, listOrders } from './read-orders.ts'

const tags = ['orders']
const OrderParams = Type.Object({ id: OrderId }, { additionalProperties: false })
const OrderPage = { ...Type.Array(OrderRef), description: 'Newest first', headers: pageHeaders }

export function registerOrderRoutes(app: App, db: Kysely<OrdersDatabase>): void {
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

const orderNotFound = (id: string) => new Problem(404, 'order_not_found', `There is no order ${id}.`)

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
