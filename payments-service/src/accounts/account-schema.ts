import { Balance, BalanceChange, decimalFromMinor, OpeningBalance } from 'edge/money'
import { UserId } from 'edge/user-id'
import { type Static, Type } from 'typebox'
import type { Account, LedgerEntry, LedgerKind } from './account.ts'

const Time = (description: string) =>
  Type.String({ format: 'date-time', description, examples: ['2026-01-31T12:00:00.000Z'] })

export const NewAccount = Type.Object(
  {
    user_id: UserId,
    balance: Type.Optional({
      ...OpeningBalance,
      description: 'What the account starts with: its first ledger entry',
      examples: [100],
    }),
  },
  { additionalProperties: false },
)

export const ChangeOfBalance = Type.Object(
  {
    balance_change: {
      ...BalanceChange,
      description: 'A deposit, or a withdrawal where negative',
      examples: [25.5, -10],
    },
  },
  { additionalProperties: false },
)

export const AccountSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid', examples: ['019aa5c0-7d2e-7c3f-9a51-0d2f6c1b8e90'] }),
    user_id: UserId,
    balance: { ...Balance, examples: [89.5] },
    created_at: Time('When it was opened'),
    updated_at: Time('When its balance last changed'),
  },
  { $id: 'Account', description: 'One per user. The balance is the sum of its ledger entries' },
)
export type AccountAnswer = Static<typeof AccountSchema>

const kinds: LedgerKind[] = ['opening', 'deposit', 'withdrawal', 'payment']

export const LedgerEntrySchema = Type.Object(
  {
    id: Type.String({ format: 'uuid', examples: ['019aa5c1-1f60-7b0e-8f6d-5a7e3c9d2b14'] }),
    user_id: UserId,
    kind: Type.Unsafe<LedgerKind>({ type: 'string', enum: kinds }),
    amount: Type.Number({ description: 'Positive came in, negative went out', examples: [-10.5] }),
    balance_after: { ...Balance, examples: [89.5] },
    order_id: Type.Optional(Type.String({ format: 'uuid', description: 'The order paid, of a payment' })),
    created_at: Time('When it happened'),
  },
  { $id: 'LedgerEntry', description: 'Append-only: what changed an account, and the balance after it' },
)
export type LedgerEntryAnswer = Static<typeof LedgerEntrySchema>

export const accountAnswer = (account: Account): AccountAnswer => ({
  id: account.id,
  user_id: account.userId,
  balance: decimalFromMinor(account.balanceMinor),
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
})

export const ledgerEntryAnswer = (entry: LedgerEntry): LedgerEntryAnswer => ({
  id: entry.id,
  user_id: entry.userId,
  kind: entry.kind,
  amount: decimalFromMinor(entry.amountMinor),
  balance_after: decimalFromMinor(entry.balanceAfterMinor),
  ...(entry.orderId !== null && { order_id: entry.orderId }),
  created_at: entry.createdAt.toISOString(),
})
