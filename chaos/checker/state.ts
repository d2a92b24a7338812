/** All that is there in the end, in plain words of JSON; documented in docs/checker.md. Amounts are minor units, as text. */
export type FinalState = {
  orders: OrderRow[]
  payments: PaymentRow[]
  accounts: { user: number; balance: string }[]
  /** In the order in which the account changed. */
  ledger: LedgerRow[]
  topics: { tasks: Message[]; results: Message[]; statuses: Message[] }
  /** What still waits: rows not published, messages not handled, messages put aside. Each line says what and how many. */
  backlog: string[]
}
export type OrderRow = {
  id: string
  user: number
  amount: string
  /** The operation it was placed by. */
  op: string | null
  status: string
  reason: string | null
}
export type PaymentRow = {
  order: string
  user: number
  amount: string
  status: 'COMPLETED' | 'DECLINED'
  reason: string | null
}
export type LedgerRow = {
  user: number
  kind: 'opening' | 'deposit' | 'withdrawal' | 'payment'
  amount: string
  balance_after: string
  order: string | null
}
/** In the order of its partition; all of one user are in one partition. */
export type Message = {
  partition: number
  /** Null where the sender gave none: then it is somebody else's copy, and counts as a repeat. */
  event: string | null
  order: string
  user: number
  amount: string
  /** SUCCESS, FAILED, FINISHED or CANCELLED; null in a task. */
  status: string | null
}

export type ViolationKind =
  | 'order_lost'
  | 'order_doubled'
  | 'order_changed'
  | 'answers_differ'
  | 'refused_but_done'
  | 'order_from_nowhere'
  | 'order_unsettled'
  | 'payment_missing'
  | 'payment_doubled'
  | 'payment_from_nowhere'
  | 'status_disagrees'
  | 'debit_wrong'
  | 'change_lost'
  | 'change_doubled'
  | 'balance_wrong'
  | 'declined_though_affordable'
  | 'out_of_order'
  | 'event_missing'
  | 'event_doubled'
  | 'stuck'
export type Violation = { kind: ViolationKind; user?: number; order?: string; detail: string }
