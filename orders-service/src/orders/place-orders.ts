import { earlierAnswers, type IdempotentRequest, takeIdempotencyKeys } from 'edge/idempotency'
import { boundLockWaits } from 'edge/postgres'
import type { Kysely, Transaction } from 'kysely'
import { failpointsOf } from 'messaging/failpoint'
import type { OrdersDatabase } from '../database.ts'
import { makeOrder, type OrderPlaced, type PlaceOrder } from './order.ts'
import { appendToOutbox, paymentTask } from './order-events.ts'
import { insertOrders } from './order-rows.ts'
import { type OrderAnswer, orderAnswer } from './order-schema.ts'

const failpoint = failpointsOf<'place.keyed' | 'place.inserted' | 'place.written' | 'place.committed'>()

export type PlaceRequest = {
  command: PlaceOrder
  idempotency: IdempotentRequest | undefined
  traceparent: string | undefined
}
export type Placement =
  | { kind: 'placed'; answer: OrderAnswer }
  /** The same request came before, under the same idempotency key. */
  | { kind: 'replayed'; answer: OrderAnswer }
  /** Another request came before under the same idempotency key. */
  | { kind: 'key_reused' }
  /** The idempotency key's retention ended between the two looks at it. */
  | { kind: 'key_expired' }

const operation = 'POST /orders'

/**
 * Places orders in one transaction of at most five statements, however many they are; their outbox rows stand in
 * the order of the requests. Throws only when none is placed, or when the connection broke during the commit.
 */
export async function placeOrders(
  db: Kysely<OrdersDatabase>,
  requests: PlaceRequest[],
  { now, newId }: { now: Date; newId: () => string },
): Promise<Placement[]> {
  const candidates = requests.map(request => ({
    ...request,
    event: makeOrder(request.command, { id: newId(), now }),
  }))
  const placements = await db.transaction().execute(async trx => {
    const earlier = await claimKeys(trx, candidates)
    await failpoint('place.keyed')
    const placed = candidates.filter(({ event }) => !earlier.has(event))
    await insertOrders(
      trx,
      placed.map(({ event }) => event.order),
    )
    await failpoint('place.inserted')
    await appendToOutbox(
      trx,
      placed.map(({ event, traceparent }) => paymentTask(event, traceparent)),
    )
    await failpoint('place.written')
    return candidates.map(
      ({ event }): Placement => earlier.get(event) ?? { kind: 'placed', answer: orderAnswer(event.order) },
    )
  })
  await failpoint('place.committed')
  return placements
}

type Candidate = PlaceRequest & { event: OrderPlaced }
type Keyed = { event: OrderPlaced; request: IdempotentRequest; answer: OrderAnswer }

/** Takes the idempotency keys, and answers what came of each order that must not be placed. */
async function claimKeys(
  trx: Transaction<OrdersDatabase>,
  candidates: Candidate[],
): Promise<Map<OrderPlaced, Placement>> {
  const keyed = candidates.flatMap(({ event, idempotency: request }): Keyed[] =>
    request ? [{ event, request, answer: orderAnswer(event.order) }] : [],
  )
  if (keyed.length === 0) return new Map()
  // Of several with one key in this batch the first takes it; the others then find it taken, like any later one.
  const firstByKey = new Map(keyed.toReversed().map(one => [one.request.key, one]))
  await boundLockWaits(trx)
  const free = await takeIdempotencyKeys(trx, operation, [...firstByKey.values()])
  const late = keyed.filter(one => firstByKey.get(one.request.key) !== one || !free.has(one.request.key))
  const earlier = await earlierAnswers<OrdersDatabase, OrderAnswer>(
    trx,
    operation,
    late.map(({ request }) => request),
  )
  return new Map(late.map(({ event }, i) => [event, placementFrom(earlier[i])]))
}

function placementFrom(
  earlier: Awaited<ReturnType<typeof earlierAnswers<OrdersDatabase, OrderAnswer>>>[number],
): Placement {
  if (earlier === undefined) return { kind: 'key_expired' }
  return earlier.kind === 'replay' ? { kind: 'replayed', answer: earlier.answer } : { kind: 'key_reused' }
}
