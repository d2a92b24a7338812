import { type App, answers } from 'edge/app'
import {
  AgreedRows,
  EndTurn,
  integrityCall,
  integrityRoute,
  OrderSlice,
  RowsQuery,
  SliceQuery,
  TakeTurn,
  Turn,
} from 'edge/integrity'
import { Problem } from 'edge/problem'
import type { Kysely } from 'kysely'
import { Type } from 'typebox'
import type { OrdersDatabase } from '../database.ts'
import { checkOrders, readAgreedOrders } from './check-orders.ts'
import { endTurn, orderIdAt, takeTurn } from './turns.ts'

/** Findings are bounded in number and length: far below this. */
const progressBytesMax = 512 * 1024

export function registerIntegrityRoutes(app: App, db: Kysely<OrdersDatabase>): void {
  app.get(
    '/integrity',
    { schema: { ...integrityCall('Checks the next orders', OrderSlice), querystring: SliceQuery } },
    ({ query }) => checkOrders(db, { ...query, until: query.until ?? orderIdAt(new Date()) }),
  )
  app.get(
    '/integrity/rows',
    { schema: { ...integrityCall('What payments must agree on', AgreedRows), querystring: RowsQuery } },
    ({ query }) => readAgreedOrders(db, query),
  )
  app.post(
    '/integrity/turns',
    { schema: { ...integrityCall('Takes the turn to audit', Turn), body: TakeTurn } },
    ({ body }) =>
      takeTurn(db, { leaseMs: body.lease_ms, settledWithinMs: body.settled_within_ms }, new Date()),
  )
  app.put(
    '/integrity/turns',
    {
      bodyLimit: progressBytesMax,
      schema: {
        ...integrityRoute,
        summary: 'Ends the turn and keeps its progress',
        body: EndTurn,
        response: answers({ 204: Type.Null() }, 400, 409, 500, 503),
      },
    },
    async ({ body: { turn, pause_ms, progress } }, reply) => {
      if (await endTurn(db, { turn, pauseMs: pause_ms, progress })) return reply.code(204).send(null)
      throw new Problem(409, 'turn_taken', 'Another audit has taken the turn since; its progress counts.')
    },
  )
}
