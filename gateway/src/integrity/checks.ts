/** Each rule that must hold, and what to do where it does not. The names are for programs: never change one. */
export const checks = {
  order_not_paid: {
    rule: 'Every order older than the bound has been decided by payments',
    next: 'GET /orders/{id}/timeline says how far it came. GET /stats: does the relay of orders-service fall behind, is a task among the dead letters of payments-service?',
  },
  result_not_settled: {
    rule: 'Every payment has a result, and every result has settled its order',
    next: 'GET /orders/{id}/timeline says how far it came. GET /stats: does the relay of payments-service fall behind, is a result among the dead letters of orders-service?',
  },
  order_without_payment: {
    rule: 'Every settled order has its payment',
    next: 'The order was settled without a decision of payments, or payments lost it: was its database put back to an older state?',
  },
  payment_without_order: {
    rule: 'Every payment is of an order',
    next: 'Was the database of orders put back to an older state? Then restore the order; if nobody ordered, pay the money back with a deposit.',
  },
  order_payment_differ: {
    rule: 'An order is FINISHED if and only if its payment is COMPLETED, of the same user and amount',
    next: 'Compare both rows with the messages in the topics; correct the money with a deposit or withdrawal, never by changing a row.',
  },
  order_without_result: {
    rule: 'Every settled order names a result that the inbox remembers',
    next: 'Somebody settled it past the consumer, or deleted inbox rows: a result that comes again would then be handled again.',
  },
  payment_without_task: {
    rule: 'Every payment comes from a task that the inbox remembers',
    next: 'Somebody paid it past the consumer, or deleted inbox rows.',
  },
  payment_without_debit: {
    rule: 'Every completed payment has debited its account',
    next: 'The shop gave goods for nothing: withdraw the amount, and find out who deleted the ledger entry.',
  },
  debit_without_payment: {
    rule: 'Every debit belongs to a payment',
    next: 'A customer paid for nothing: deposit the amount, and find out who wrote the entry or deleted the payment.',
  },
  debit_differs: {
    rule: 'A payment is COMPLETED if and only if its account was debited once, with its amount',
    next: 'Correct the difference with a deposit or withdrawal, and find out who changed a row.',
  },
  balance_differs: {
    rule: 'Every balance is what its ledger adds up to',
    next: 'Stop paying from this account, read GET /users/{id}/ledger, and correct the balance to what the ledger leaves.',
  },
  ledger_broken: {
    rule: 'Every ledger entry carries on from the one before it, so that all deposits, withdrawals and payments add up to the balances',
    next: 'An entry was changed, deleted or slipped in: compare GET /users/{id}/ledger with a backup.',
  },
} as const satisfies Record<string, { rule: string; next: string }>

export type CheckName = keyof typeof checks
export const checkNames = Object.keys(checks) as CheckName[]
