import type { Kysely } from 'kysely'
import { accountFromRow, ledgerEntryFromRow, type PaymentsDatabase } from '../database.ts'
import type { Account, LedgerEntry } from './account.ts'

export async function findAccount(
  db: Kysely<PaymentsDatabase>,
  userId: number,
): Promise<Account | undefined> {
  const row = await db
    .selectFrom('accounts')
    .selectAll()
    .where('user_id', '=', BigInt(userId))
    .executeTakeFirst()
  return row && accountFromRow(row)
}

/** At most `limit` accounts in the order of their user ids, of users after `after`. */
export async function listAccounts(
  db: Kysely<PaymentsDatabase>,
  { after, limit }: { after?: string; limit: number },
): Promise<Account[]> {
  let query = db.selectFrom('accounts').selectAll().orderBy('user_id').limit(limit)
  if (after !== undefined) query = query.where('user_id', '>', BigInt(after))
  return (await query.execute()).map(accountFromRow)
}

/** An entry with its place in the ledger of its account, which is what a cursor names. */
export type PlacedEntry = LedgerEntry & { position: bigint }

/**
 * Newest first: at most `limit` entries that stand before the position `before`. Positions are drawn under the lock
 * of the account, so none can appear later among those already read.
 */
export async function listLedger(
  db: Kysely<PaymentsDatabase>,
  { userId, before, limit }: { userId: number; before?: string; limit: number },
): Promise<PlacedEntry[]> {
  let query = db
    .selectFrom('ledger_entries')
    .selectAll()
    .where('user_id', '=', BigInt(userId))
    .orderBy('position', 'desc')
    .limit(limit)
  if (before !== undefined) query = query.where('position', '<', BigInt(before))
  return (await query.execute()).map(row => ({ ...ledgerEntryFromRow(row), position: row.position }))
}
