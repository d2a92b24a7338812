/** The gateway's schemas by the names that the pages use. */
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
  user_id: number
  id: string
  kind: 'opening' | 'deposit' | 'withdrawal' | 'payment'
  amount: number
  balance_after: number
  order_id?: string
  created_at: string
}
export type HopName =
  | 'accepted'
  | 'published'
  | 'received'
  | 'debited'
  | 'declined'
  | 'result_published'
  | 'settled'
export type Hop = {
  hop: HopName
  service: string
  at: string | null
  topic?: string
  partition?: number
  offset?: number
}
export type Timeline = { order_id: string; hops: Hop[]; missing?: string[] }
export type EngineStats = {
  service: string
  at: string
  outbox: { waiting: number; oldest_age_ms: number | null; is_capped: boolean }
  consumer: { name: string; lag: number | null }
  dead_letters: { parked: number; waiting: number }
}
export type OrdersStats = EngineStats & {
  window_seconds: number
  placed: number
  finished: number
  cancelled: number
  time_to_settle_ms: { p50: number; p99: number } | null
  seconds: { at: string; placed: number; settled: number; p50_ms: number | null; p99_ms: number | null }[]
  orders: { total: number; open: number; finished: number; cancelled: number; is_estimate: boolean }
}
export type Stats = { at: string; orders: OrdersStats | null; payments: EngineStats | null }
export type Dependency = { status: 'up' | 'down'; duration_ms: number; detail?: string }
export type ServiceHealth = Dependency & { dependencies?: Record<string, Dependency> }
export type Health = {
  service: string
  status: 'up' | 'down'
  dependencies: Record<string, Dependency>
  services: Record<string, ServiceHealth>
}
