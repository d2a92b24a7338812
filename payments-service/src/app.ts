import { type App, createApp } from 'edge/app'
import { registerHealth } from 'edge/health'
import type { Logger } from 'edge/log'
import type { Telemetry } from 'edge/telemetry/start-telemetry'
import { type Kysely, sql } from 'kysely'
import type { Transport } from 'messaging/transport'
import { registerAccountRoutes } from './accounts/account-routes.ts'
import type { PaymentsDatabase } from './database.ts'
import { registerIntegrityRoutes } from './integrity/integrity-routes.ts'
import { registerPaymentRoutes } from './payments/payment-routes.ts'
import { registerStatsRoutes } from './stats/stats-routes.ts'

export type PaymentsAppDependencies = {
  db: Kysely<PaymentsDatabase>
  transport: Pick<Transport, 'ping' | 'lag'>
  log: Logger
  telemetry?: Telemetry
}

/** The HTTP side of the service. Listens nowhere; close it to wait for the requests in hand. */
export async function createPaymentsApp({
  db,
  transport,
  log,
  telemetry,
}: PaymentsAppDependencies): Promise<App> {
  const app = await createApp(
    {
      title: 'payments-service',
      description:
        'Keeps accounts and their ledgers, and pays orders from them. Amounts are decimal numbers with at most two ' +
        'fraction digits. Every change of a balance is a ledger entry, and the balance is the sum of them.',
    },
    log,
    { telemetry },
  )
  registerHealth(app, 'payments-service', {
    database: () => sql`select 1`.execute(db),
    kafka: () => transport.ping(),
  })
  registerAccountRoutes(app, db)
  registerPaymentRoutes(app, db)
  registerStatsRoutes(app, db, transport)
  registerIntegrityRoutes(app, db)
  return app
}
