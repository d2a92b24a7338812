import type { App } from 'edge/app'
import {
  AgreedRows,
  integrityCall,
  lastOrderId,
  OrderSlice,
  RowsQuery,
  Slice,
  SliceQuery,
} from 'edge/integrity'
import type { Kysely } from 'kysely'
import { Type } from 'typebox'
import type { PaymentsDatabase } from '../database.ts'
import { checkAccounts, checkLedger, firstAccount, firstEntry } from './check-accounts.ts'
import { checkPayments, readAgreedPayments } from './check-payments.ts'

const placeQuery = (pattern: string, example: string) =>
  Type.Object(
    { after: Type.Optional(Type.String({ pattern, examples: [example] })) },
    { additionalProperties: false },
  )
const AccountsQuery = placeQuery('^\\d{16}$', firstAccount)
const LedgerQuery = placeQuery('^\\d{16}/\\d{19}$', firstEntry)

export function registerIntegrityRoutes(app: App, db: Kysely<PaymentsDatabase>): void {
  app.get(
    '/integrity',
    { schema: { ...integrityCall('Checks the next payments', OrderSlice), querystring: SliceQuery } },
    ({ query }) => checkPayments(db, { ...query, until: query.until ?? lastOrderId }),
  )
  app.get(
    '/integrity/rows',
    { schema: { ...integrityCall('What orders must agree on', AgreedRows), querystring: RowsQuery } },
    ({ query }) => readAgreedPayments(db, query),
  )
  app.get(
    '/integrity/accounts',
    { schema: { ...integrityCall('Checks the next balances', Slice), querystring: AccountsQuery } },
    ({ query }) => checkAccounts(db, query.after),
  )
  app.get(
    '/integrity/ledger',
    { schema: { ...integrityCall('Checks the next ledger entries', Slice), querystring: LedgerQuery } },
    ({ query }) => checkLedger(db, query.after),
  )
}
