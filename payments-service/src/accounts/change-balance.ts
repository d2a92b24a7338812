import { earlierAnswer, type IdempotentRequest, takeIdempotencyKeys } from 'edge/idempotency'
import { decimalFromMinor } from 'edge/money'
import { boundLockWaits } from 'edge/postgres'
import { type Kysely, sql, type Transaction } from 'kysely'
import { failpointsOf } from 'messaging/failpoint'
import { RaceLostError } from 'messaging/infrastructure-error'
import { v7 as uuidv7 } from 'uuid'
import { accountFromRow, type PaymentsDatabase } from '../database.ts'
import { type BalanceChange, type Changed, decideBalanceChange } from './account.ts'
import { type AccountAnswer, accountAnswer } from './account-schema.ts'

const failpoint = failpointsOf<'balance.keyed' | 'balance.written' | 'balance.committed'>()

export type ChangeBalance = {
  userId: number
  changeMinor: bigint
  idempotency: IdempotentRequest | undefined
}

/** What a client is told. It is stored under its idempotency key whatever it was: a refusal is an answer too. */
export type ChangeBalanceAnswer =
  | { kind: 'changed'; account: AccountAnswer }
  | { kind: 'insufficient_funds' | 'balance_limit_exceeded'; balance: number }
  | { kind: 'account_not_found' }

export type ChangeBalanceOutcome =
  | { kind: 'answered'; answer: ChangeBalanceAnswer; isReplayed: boolean }
  /** Another request came before under the same idempotency key. */
  | { kind: 'key_reused' }

/**
 * Deposits, or withdraws where the change is negative. Locks in one order, the account and then the key, so that
 * any number of changes of one account pass one after another and none can deadlock.
 */
export async function changeBalance(
  db: Kysely<PaymentsDatabase>,
  { userId, changeMinor, idempotency }: ChangeBalance,
): Promise<ChangeBalanceOutcome> {
  const outcome = await db.transaction().execute(async (trx): Promise<ChangeBalanceOutcome> => {
    await boundLockWaits(trx)
    const row = await trx
      .selectFrom('accounts')
      .selectAll()
      .where('user_id', '=', BigInt(userId))
      .forUpdate()
      .executeTakeFirst()
    const account = row && accountFromRow(row)
    const change =
      account && decideBalanceChange(account, changeMinor, { entryId: uuidv7(), now: new Date() })
    const answer = answerOf(change, account?.balanceMinor ?? 0n)

    if (idempotency && !(await takeKey(trx, idempotency, answer))) return answerEarlier(trx, idempotency)
    await failpoint('balance.keyed')
    if (change?.kind === 'changed') await writeChange(trx, change)
    await failpoint('balance.written')
    return { kind: 'answered', answer, isReplayed: false }
  })
  await failpoint('balance.committed')
  return outcome
}

const operation = 'PATCH /users'

function answerOf(change: BalanceChange | undefined, balanceMinor: bigint): ChangeBalanceAnswer {
  if (change === undefined) return { kind: 'account_not_found' }
  if (change.kind === 'changed') return { kind: 'changed', account: accountAnswer(change.account) }
  return { kind: change.kind, balance: decimalFromMinor(balanceMinor) }
}

async function takeKey(
  trx: Transaction<PaymentsDatabase>,
  request: IdempotentRequest,
  answer: ChangeBalanceAnswer,
): Promise<boolean> {
  return (await takeIdempotencyKeys(trx, operation, [{ request, answer }])).has(request.key)
}

async function answerEarlier(
  trx: Transaction<PaymentsDatabase>,
  request: IdempotentRequest,
): Promise<ChangeBalanceOutcome> {
  const earlier = await earlierAnswer<PaymentsDatabase, ChangeBalanceAnswer>(trx, operation, request)
  if (earlier === undefined) throw new RaceLostError('The idempotency key expired while it was being read')
  if (earlier.kind === 'reused') return { kind: 'key_reused' }
  return { kind: 'answered', answer: earlier.answer, isReplayed: true }
}

async function writeChange(trx: Transaction<PaymentsDatabase>, { account, entry }: Changed): Promise<void> {
  await sql`
    with balance as (
      update accounts set balance_minor = ${account.balanceMinor}, updated_at = ${account.updatedAt}
      where user_id = ${account.userId}
    )
    insert into ledger_entries (user_id, id, kind, amount_minor, balance_after_minor, created_at)
    values (${entry.userId}, ${entry.id}, ${entry.kind}, ${entry.amountMinor}, ${entry.balanceAfterMinor}, ${entry.createdAt})`.execute(
    trx,
  )
}
