export type OrderStatus = 'NEW' | 'PENDING_PAYMENT' | 'FINISHED' | 'CANCELLED'
export type Reason = 'insufficient_funds' | 'account_not_found'
export type Order = {
  id: string
  user_id: number
  amount: number
  description: string | null
  status: OrderStatus
  reason?: Reason
  created_at: string
  updated_at: string
}
export type Account = { id: string; user_id: number; balance: number; created_at: string; updated_at: string }
export type LedgerEntry = {
  id: string
  kind: string
  amount: number
  balance_after: number
  order_id?: string
  created_at: string
}
