import { type App, answers } from 'edge/app'
import { IdempotencyHeaders, idempotencyKeyReused, idempotentRequest, replayedHeader } from 'edge/idempotency'
import { readJson } from 'edge/json-body'
import { minorFromChecked } from 'edge/money'
import { Part, partsBytesMax, partsMax } from 'edge/part'
import { Problem } from 'edge/problem'
import { checkFor } from 'edge/validation'
import { type Static, Type } from 'typebox'
import type { Gatherer } from './gather.ts'
import { NewOrder, OrderRef } from './order-schema.ts'
import type { Placement, PlaceRequest } from './place-orders.ts'

export type Placer = Gatherer<PlaceRequest, Placement>

export function registerPlaceRoutes(app: App, placer: Placer): void {
  app.post('/orders', { schema: placeSchema }, async (request, reply) => {
    const { answer, headers, about } = await place(request.headers, request.body)
    request.about = about
    return reply.code(201).headers(headers).send(answer)
  })

  const checkBody = checkFor(NewOrder, 'body')
  const checkHeaders = checkFor(IdempotencyHeaders, 'headers')
  app.post(
    '/orders/together',
    { schema: togetherSchema, bodyLimit: partsBytesMax, config: { isUntraced: true } },
    async request => {
      request.about = { orders: String(request.body.length) }
      return Promise.all(
        request.body.map(part =>
          app.answerPart({ method: 'POST', url: '/orders' }, part, async (given, body) => {
            const order = readJson(body)
            checkBody(order)
            checkHeaders(given)
            const { answer, headers, about } = await place(given, order as Static<typeof NewOrder>)
            const type = { 'content-type': 'application/json; charset=utf-8' }
            return { status: 201, headers: { ...type, ...headers }, body: answer, about }
          }),
        ),
      )
    },
  )

  async function place(
    given: { 'idempotency-key'?: string; traceparent?: unknown },
    order: Static<typeof NewOrder>,
  ) {
    const { user_id, amount, description = null } = order
    const placement = await placer.submit({
      command: { userId: user_id, amountMinor: minorFromChecked(amount), description },
      idempotency: idempotentRequest(given['idempotency-key'], [user_id, amount, description]),
      traceparent: traceparentOf(given.traceparent),
    })
    const { answer, isReplayed } = placementAnswer(placement)
    return {
      answer,
      headers: { location: `/orders/${answer.id}`, ...(isReplayed && { 'idempotency-replayed': 'true' }) },
      about: { order_id: answer.id },
    }
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

const placeSchema = {
  tags: ['orders'],
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
        headers: { Location: Type.String({ description: 'Path of the order' }), ...replayedHeader },
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

/** For the gateway alone, which names the calls that it passes on, and does not name this one. */
const togetherSchema = { hide: true, body: Type.Array(Part, { minItems: 1, maxItems: partsMax }) }
