import { type Kysely, sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import type { PaymentsDatabase } from '../database.ts'
import { type Account, makeAccount } from './account.ts'

export type OpenAccountOutcome = { kind: 'opened'; account: Account } | { kind: 'account_exists' }

/** Opens the one account of a user, with its opening entry where the balance is not 0. One statement, so both or none. */
export async function openAccount(
  db: Kysely<PaymentsDatabase>,
  command: { userId: number; balanceMinor: bigint },
): Promise<OpenAccountOutcome> {
  const { account, entry } = makeAccount(command, { id: uuidv7(), entryId: uuidv7(), now: new Date() })
  const { rows } = await sql`
    with opened as (
      insert into accounts (id, user_id, balance_minor, created_at, updated_at)
      values (${account.id}, ${account.userId}, ${account.balanceMinor}, ${account.createdAt}, ${account.updatedAt})
      on conflict (user_id) do nothing
      returning user_id, balance_minor, created_at
    ), entry as (
      insert into ledger_entries (user_id, id, kind, amount_minor, balance_after_minor, created_at)
      select user_id, ${entry?.id ?? null}::uuid, 'opening', balance_minor, balance_minor, created_at
      from opened where balance_minor <> 0
    )
    select user_id from opened`.execute(db)
  return rows.length === 1 ? { kind: 'opened', account } : { kind: 'account_exists' }
}
