import type { Transaction } from 'kysely'
import { RaceLostError } from '../../messaging/src/infrastructure-error.ts'
import type { PaymentsDatabase } from '../../payments-service/src/database.ts'
import type { Payment, ReceivedTask } from '../../payments-service/src/payments/payment.ts'
import type { PaymentTask } from '../../payments-service/src/payments/payment-task.ts'
import { type ModelTransaction, modelOf } from './database.ts'

export async function lockBalances(given: Transaction<PaymentsDatabase>, tasks: readonly ReceivedTask[]) {
  const trx = modelOf<ModelTransaction>(given)
  await trx.statement('lock balances')
  const userIds = [...new Set(tasks.map(({ userId }) => userId))].sort((a, b) => a - b)
  const balances = new Map<number, bigint>()
  for (const userId of userIds.filter(id => trx.get(`accounts/${id}`) !== undefined)) {
    await trx.lock(`accounts/${userId}`)
    balances.set(userId, trx.get<bigint>(`accounts/${userId}`) as bigint)
  }
  return balances
}

export async function findPaid(given: Transaction<PaymentsDatabase>, tasks: readonly ReceivedTask[]) {
  const trx = modelOf<ModelTransaction>(given)
  await trx.statement('find paid')
  return new Map<string, PaymentTask>(
    tasks.flatMap(({ orderId }) => {
      const payment = trx.get<Payment>(`payments/${orderId}`)
      if (!payment) return []
      const { userId, amountMinor } = payment.task
      return [[orderId, { orderId, userId, amountMinor }]]
    }),
  )
}

export async function writePayments(given: Transaction<PaymentsDatabase>, payments: readonly Payment[]) {
  const trx = modelOf<ModelTransaction>(given)
  await trx.statement(`pay ${payments.map(({ task, status }) => `${task.orderId.slice(-4)} ${status}`)}`)
  for (const payment of payments.toSorted((a, b) => (a.task.orderId < b.task.orderId ? -1 : 1))) {
    const key = `payments/${payment.task.orderId}`
    if (!(await trx.claim(key))) throw new RaceLostError(`${key} was paid by another transaction`)
    trx.set(key, payment)
  }
  for (const payment of payments) {
    if (payment.status !== 'COMPLETED') continue
    const { userId, orderId, amountMinor } = payment.task
    trx.set(`ledger_entries/${payment.entryId}`, { userId, orderId, amountMinor: -amountMinor })
    trx.set(`accounts/${userId}`, payment.balanceAfterMinor)
  }
}
