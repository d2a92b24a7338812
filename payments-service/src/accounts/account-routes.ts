import { type App, answers } from 'edge/app'
import { IdempotencyHeaders, idempotencyKeyReused, idempotentRequest, replayedHeader } from 'edge/idempotency'
import { balanceMinorMax, decimalFromMinor, minorFromChecked } from 'edge/money'
import { decodeCursor, PageQuery, pageHeaders, positiveIntegerForm, sendPage } from 'edge/page'
import { Problem } from 'edge/problem'
import { UserParams } from 'edge/user-id'
import type { Kysely } from 'kysely'
import { Type } from 'typebox'
import type { PaymentsDatabase } from '../database.ts'
import {
  AccountSchema,
  accountAnswer,
  ChangeOfBalance,
  LedgerEntrySchema,
  ledgerEntryAnswer,
  NewAccount,
} from './account-schema.ts'
import { type ChangeBalanceAnswer, changeBalance } from './change-balance.ts'
import { openAccount } from './open-account.ts'
import { findAccount, listAccounts, listLedger } from './read-accounts.ts'

const tags = ['accounts']
const AccountRef = Type.Unsafe<Record<string, unknown>>({ $ref: 'Account#' })
const LedgerEntryRef = Type.Unsafe<Record<string, unknown>>({ $ref: 'LedgerEntry#' })
const ListQuery = Type.Object(PageQuery, { additionalProperties: false })

export function registerAccountRoutes(app: App, db: Kysely<PaymentsDatabase>): void {
  app.addSchema(AccountSchema)
  app.addSchema(LedgerEntrySchema)

  app.post('/users', { schema: openSchema }, async (request, reply) => {
    const { user_id, balance = 0 } = request.body
    const outcome = await openAccount(db, { userId: user_id, balanceMinor: minorFromChecked(balance) })
    if (outcome.kind === 'account_exists') throw accountExists(user_id)
    return reply.code(201).header('location', `/users/${user_id}`).send(accountAnswer(outcome.account))
  })

  app.get('/users', { schema: listSchema }, async (request, reply) => {
    const { limit, cursor } = request.query
    const after = decodeCursor(cursor, positiveIntegerForm)
    const accounts = await listAccounts(db, { after, limit: limit + 1 })
    return sendPage(request, reply, accounts, limit, ({ userId }) => String(userId)).map(accountAnswer)
  })

  app.get('/users/:user_id', { schema: findSchema }, async request => {
    const account = await findAccount(db, request.params.user_id)
    if (!account) throw accountNotFound(request.params.user_id)
    return accountAnswer(account)
  })

  app.patch('/users/:user_id', { schema: changeSchema }, async (request, reply) => {
    const { user_id } = request.params
    const { balance_change } = request.body
    const outcome = await changeBalance(db, {
      userId: user_id,
      changeMinor: minorFromChecked(balance_change),
      idempotency: idempotentRequest(request.headers['idempotency-key'], [user_id, balance_change]),
    })
    if (outcome.kind === 'key_reused') throw idempotencyKeyReused()
    if (outcome.isReplayed) reply.header('idempotency-replayed', 'true')
    return changedAccount(outcome.answer, user_id)
  })

  app.get('/users/:user_id/ledger', { schema: ledgerSchema }, async (request, reply) => {
    const userId = request.params.user_id
    const { limit, cursor } = request.query
    const before = decodeCursor(cursor, positiveIntegerForm)
    const entries = await listLedger(db, { userId, before, limit: limit + 1 })
    if (entries.length === 0 && !(await findAccount(db, userId))) throw accountNotFound(userId)
    return sendPage(request, reply, entries, limit, ({ position }) => String(position)).map(ledgerEntryAnswer)
  })
}

function changedAccount(answer: ChangeBalanceAnswer, userId: number) {
  switch (answer.kind) {
    case 'changed':
      return answer.account
    case 'account_not_found':
      throw accountNotFound(userId)
    case 'insufficient_funds':
      throw refusedChange(
        answer.kind,
        answer.balance === 0
          ? 'The balance is 0, so nothing can be withdrawn. Deposit first.'
          : `The balance of ${answer.balance} is less than that. Withdraw less.`,
      )
    case 'balance_limit_exceeded':
      throw refusedChange(
        answer.kind,
        `The balance of ${answer.balance} would pass its limit of ${decimalFromMinor(balanceMinorMax)}. Deposit less.`,
      )
  }
}

const refusedChange = (code: string, detail: string) =>
  new Problem(422, code, detail, { errors: [{ in: 'body', field: 'balance_change', detail }] })

const accountNotFound = (userId: number) =>
  new Problem(404, 'account_not_found', `User ${userId} has no account. Open one with POST /users.`)

const accountExists = (userId: number) =>
  new Problem(409, 'account_exists', `User ${userId} has an account already, see GET /users/${userId}.`, {
    errors: [{ in: 'body', field: 'user_id', detail: 'has an account already' }],
  })

const openSchema = {
  tags,
  summary: 'Open an account',
  description: 'One account per user. A balance that it starts with is its first ledger entry.',
  body: NewAccount,
  response: answers(
    {
      201: {
        ...AccountRef,
        description: 'The account',
        headers: { Location: Type.String({ description: 'Path of the account' }) },
      },
    },
    400,
    409,
    413,
    415,
    500,
    503,
  ),
}

const listSchema = {
  tags,
  summary: 'List accounts',
  description: 'In the order of user ids.',
  querystring: ListQuery,
  response: answers({ 200: { ...Type.Array(AccountRef), headers: pageHeaders } }, 400, 500, 503),
}

const findSchema = {
  tags,
  summary: 'Find the account of a user',
  params: UserParams,
  response: answers({ 200: { ...AccountRef, description: 'The account' } }, 400, 404, 500, 503),
}

const changeSchema = {
  tags,
  summary: 'Deposit or withdraw',
  description:
    'Changes of one account take effect one after another. 422 is `insufficient_funds`, `balance_limit_exceeded` or ' +
    '`idempotency_key_reused`. Send an Idempotency-Key to be able to try again safely: the same key and body give ' +
    'the first answer again, also where it was a refusal.',
  params: UserParams,
  headers: IdempotencyHeaders,
  body: ChangeOfBalance,
  response: answers(
    {
      200: {
        ...AccountRef,
        description: 'The account after the change',
        headers: replayedHeader,
      },
    },
    400,
    404,
    413,
    415,
    422,
    500,
    503,
  ),
}

const ledgerSchema = {
  tags,
  summary: 'Read the ledger of an account',
  description:
    'All that ever changed the balance: opening, deposits, withdrawals and payments. They add up to it.',
  params: UserParams,
  querystring: ListQuery,
  response: answers(
    { 200: { ...Type.Array(LedgerEntryRef), description: 'Newest first', headers: pageHeaders } },
    400,
    404,
    500,
    503,
  ),
}
