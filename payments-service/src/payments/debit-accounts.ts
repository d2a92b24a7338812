import type { Transaction } from 'kysely'
import type { ConsumerDefinition, Message } from 'messaging/consumer'
import { failpointsOf } from 'messaging/failpoint'
import type { Log } from 'messaging/log'
import { together } from 'messaging/round-trips'
import { v7 as uuidv7 } from 'uuid'
import type { PaymentsDatabase } from '../database.ts'
import { makePayments, type ReceivedTask, type Repeat, separateRepeats } from './payment.ts'
import { appendToOutbox, statusUpdate } from './payment-events.ts'
import { findPaid, lockBalances, writePayments } from './payment-rows.ts'
import { decodePaymentTask, type PaymentTask } from './payment-task.ts'

const failpoint = failpointsOf<'debit.locked' | 'debit.written'>()

/** Inbox rows and the committed offsets of the Kafka group are kept under this name: never change it. */
export const debitAccountsName = 'payments.debit'
export const tasksTopic = 'order_payment_tasks'

/** What is known of a batch once its accounts are locked. */
type Locked = [balances: Map<number, bigint>, paid: Map<string, PaymentTask>]

/** Pays or declines each order once, in two round trips for a batch of any size. */
export function debitAccountsConsumer({
  log,
  clock,
}: {
  log: Log
  clock: () => Date
}): ConsumerDefinition<PaymentsDatabase, PaymentTask, Locked> {
  return {
    name: debitAccountsName,
    topics: [tasksTopic],
    decode: decodePaymentTask,
    lock(trip, messages) {
      const tasks = messages.map(received)
      return together(
        trip,
        trip => lockBalances(trip, tasks),
        trip => findPaid(trip, tasks),
      )
    },
    async handle(trx, messages, locked) {
      const repeats = await debitAccounts(trx, messages.map(received), locked, clock)
      for (const repeat of repeats) logRepeat(log, repeat)
    },
  }
}

/**
 * Why two consumers at once (a rebalance, a second group member, the same order under two event ids or users)
 * charge once and do not deadlock, at READ COMMITTED:
 *
 * - The same event id: the engine's inbox row, written before this, makes the second wait and then drop out.
 * - The same order, other event ids, one user: the second waits for the account's lock. Payments are looked up
 *   by a later statement, hence a later snapshot, which sees what the holder of the lock committed. Looking them
 *   up before locking would miss it.
 * - The same order where no common account row is locked (other user, missing account): both decide; the primary
 *   key of payments lets one in, and the other, who waits for it there, is rolled back whole and run again, and then
 *   sees that payment. What it decided after it would rest on a balance that may not be so.
 * - Locks are always taken in the order inbox rows, accounts by user id, payments by order id; a balance change
 *   over HTTP locks one account and then its idempotency key. No two can wait for each other in a circle. Were a
 *   deadlock to come from elsewhere, PostgreSQL ends it with 40P01, and the batch is run again like any other.
 *
 * Answers the tasks that were not paid because their order has had its decision before.
 */
async function debitAccounts(
  trx: Transaction<PaymentsDatabase>,
  tasks: readonly ReceivedTask[],
  [balances, paid]: Locked,
  clock: () => Date,
): Promise<Repeat[]> {
  await failpoint('debit.locked')
  const { first, repeats } = separateRepeats(paid, tasks)
  if (first.length === 0) return repeats

  const now = clock()
  const payments = makePayments(balances, first, { now, newId: uuidv7 })
  await writePayments(trx, payments, now)
  await failpoint('debit.written')
  await appendToOutbox(trx, payments.map(statusUpdate))
  return repeats
}

const received = ({ eventId, payload, source }: Message<PaymentTask>): ReceivedTask => ({
  ...payload,
  eventId,
  traceparent: source.headers.traceparent,
})

function logRepeat(log: Log, { task, sameContent }: Repeat): void {
  const details = { order_id: task.orderId, event_id: task.eventId }
  if (sameContent) log.debug(details, 'The order was decided before; its task came again and was left out')
  else
    log.warn(
      { ...details, user_id: task.userId, amount_minor: String(task.amountMinor) },
      'The order was decided before; a task with the same order id but another user or amount was left out. Ask its sender',
    )
}
