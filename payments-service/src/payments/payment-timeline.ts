import { handledMessage } from 'edge/handled-message'
import type { Hop } from 'edge/timeline'
import { findWaitingMessage, type KnownMessage } from 'edge/waiting-message'
import type { Kysely } from 'kysely'
import type { PaymentsDatabase } from '../database.ts'
import { debitAccountsName, tasksTopic } from './debit-accounts.ts'

/** The hops of one order that this service knows; none while its task has not been received. */
export async function findPaymentHops(db: Kysely<PaymentsDatabase>, orderId: string): Promise<Hop[]> {
  const row = await db
    .selectFrom('payments')
    .leftJoin(handledMessage(debitAccountsName, 'payments.task_event_id'), join => join.onTrue())
    .select(['payments.status', 'payments.created_at'])
    .select(['inbox.topic', 'inbox.partition', 'inbox.offset', 'inbox.published_at', 'inbox.processed_at'])
    .where('payments.order_id', '=', orderId)
    .executeTakeFirst()
  if (!row) {
    const waiting = await findWaitingMessage(db, { consumer: debitAccountsName, topic: tasksTopic, orderId })
    return waiting ? receivedHops(waiting) : []
  }
  return [
    ...receivedHops(row),
    {
      hop: row.status === 'COMPLETED' ? 'debited' : 'declined',
      service: 'payments-service',
      at: timeOf(row.created_at),
    },
  ]
}

/** With the task's place in Kafka, which only its receiver learns. */
function receivedHops({ topic, partition, offset, published_at, processed_at }: KnownMessage): Hop[] {
  const message =
    topic !== null && partition !== null && offset !== null
      ? { topic, partition, offset: Number(offset) }
      : {}
  return [
    { hop: 'published', service: 'orders-service', at: timeOf(published_at), ...message },
    { hop: 'received', service: 'payments-service', at: timeOf(processed_at), ...message },
  ]
}

const timeOf = (at: Date | null) => at?.toISOString() ?? null
