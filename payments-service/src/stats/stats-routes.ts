import { type App, answers } from 'edge/app'
import { EngineStats } from 'edge/engine-stats'
import { readEngineStats } from 'edge/read-engine-stats'
import { sharedReading } from 'edge/shared-reading'
import type { Kysely } from 'kysely'
import type { Transport } from 'messaging/transport'
import type { PaymentsDatabase } from '../database.ts'
import { debitAccountsName, tasksTopic } from '../payments/debit-accounts.ts'

const sharedMs = 1_000

const schema = {
  tags: ['operations'],
  summary: 'How the service is doing',
  description: 'Of the whole service, whichever instance answers. Read at most once a second.',
  response: answers({ 200: EngineStats }, 500, 503),
}

export function registerStatsRoutes(
  app: App,
  db: Kysely<PaymentsDatabase>,
  transport: Pick<Transport, 'lag'>,
): void {
  const consumer = { name: debitAccountsName, lag: () => transport.lag(debitAccountsName, [tasksTopic]) }
  const read = sharedReading(() => readEngineStats(db, 'payments-service', consumer), sharedMs)
  app.get('/stats', { schema, config: { isUntraced: true } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    return read()
  })
}
