import { openDatabase } from 'edge/postgres'
import type { Pool } from 'pg'
import type { Account, LedgerEntry, LedgerKind } from './accounts/account.ts'

/** The tables this service asks for through Kysely; see migrations/payments and messaging/migrations. */
export type PaymentsDatabase = {
  accounts: AccountsTable
  ledger_entries: LedgerEntriesTable
  payments: PaymentsTable
}

export type AccountsTable = {
  id: string
  user_id: bigint
  balance_minor: bigint
  created_at: Date
  updated_at: Date
}

export type LedgerEntriesTable = {
  user_id: bigint
  position: bigint
  id: string
  kind: LedgerKind
  amount_minor: bigint
  balance_after_minor: bigint
  order_id: string | null
  created_at: Date
}

export type PaymentsTable = {
  order_id: string
  id: string
  user_id: bigint
  amount_minor: bigint
  status: 'COMPLETED' | 'DECLINED'
  reason: 'insufficient_funds' | 'account_not_found' | null
  task_event_id: string
  created_at: Date
}

export const openPaymentsDatabase = (pool: Pool) => openDatabase<PaymentsDatabase>(pool)

export const accountFromRow = (row: AccountsTable): Account => ({
  id: row.id,
  userId: Number(row.user_id),
  balanceMinor: row.balance_minor,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

export const ledgerEntryFromRow = (row: Omit<LedgerEntriesTable, 'position'>): LedgerEntry => ({
  id: row.id,
  userId: Number(row.user_id),
  kind: row.kind,
  amountMinor: row.amount_minor,
  balanceAfterMinor: row.balance_after_minor,
  orderId: row.order_id,
  createdAt: row.created_at,
})
