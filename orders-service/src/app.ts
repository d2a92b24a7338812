import { type App, createApp } from 'edge/app'
import { registerHealth } from 'edge/health'
import type { Logger } from 'edge/log'
import type { Telemetry } from 'edge/telemetry/start-telemetry'
import { type Kysely, sql } from 'kysely'
import type { Transport } from 'messaging/transport'
import { v7 as uuidv7 } from 'uuid'
import type { OrdersDatabase } from './database.ts'
import { registerIntegrityRoutes } from './integrity/integrity-routes.ts'
import { type GatherSettings, gather } from './orders/gather.ts'
import { tracePlacing } from './orders/observe-orders.ts'
import { registerOrderRoutes } from './orders/order-routes.ts'
import { OrderSchema } from './orders/order-schema.ts'
import { type PlaceRequest, placeOrders } from './orders/place-orders.ts'
import { registerPlaceRoutes } from './orders/place-routes.ts'
import { registerStatsRoutes } from './stats/stats-routes.ts'

export type OrdersAppDependencies = {
  db: Kysely<OrdersDatabase>
  transport: Pick<Transport, 'ping' | 'lag'>
  log: Logger
  placing?: Partial<GatherSettings>
  telemetry?: Telemetry
}

const placingDefaults: GatherSettings = {
  batchSizeMax: 200,
  // At the slowest rate measured, 1,500 orders/s, the last one waits 2 s: less than the gateway does.
  queueMax: 3_000,
  waitMsMax: 3_000,
  // Two at a time placed no more in a second, and one keeps each user's orders in the order they came.
  // 2 to 6 are equally good, 8 is worse; without a rest orders take up to twice as long to settle at 500 and 1,000/s.
  restPerRun: 3,
  restMsMax: 50,
}

/** The HTTP side of the service. Listens nowhere; close it to wait for the requests in hand. */
export async function createOrdersApp({
  db,
  transport,
  log,
  placing,
  telemetry,
}: OrdersAppDependencies): Promise<App> {
  const app = await createApp(
    {
      title: 'orders-service',
      description:
        'Places orders, and settles each with the result of its payment. Amounts are decimal numbers.',
    },
    log,
    { telemetry },
  )
  const place = (requests: PlaceRequest[]) => placeOrders(db, requests, { now: new Date(), newId: uuidv7 })
  const placer = gather(telemetry ? tracePlacing(telemetry, place) : place, {
    ...placingDefaults,
    ...placing,
  })
  registerHealth(app, 'orders-service', {
    database: () => sql`select 1`.execute(db),
    kafka: () => transport.ping(),
  })
  app.addSchema(OrderSchema)
  registerPlaceRoutes(app, placer)
  registerOrderRoutes(app, db)
  registerStatsRoutes(app, db, transport)
  registerIntegrityRoutes(app, db)
  return app
}
