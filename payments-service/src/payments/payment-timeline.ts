import { handledMessage } from 'edge/handled-message'
import type { Hop } from 'edge/timeline'
import type { Kysely } from 'kysely'
import type { PaymentsDatabase } from '../database.ts'
import { debitAccountsName } from './debit-accounts.ts'

/** The hops of one order that this service knows; none while its task has not been handled. */
export async function findPaymentHops(db: Kysely<PaymentsDatabase>, orderId: string): Promise<Hop[]> {
  const row = await db
    .selectFrom('payments')
    .leftJoin(handledMessage(debitAccountsName, 'payments.task_event_id'), join => join.onTrue())
    .select(['payments.status', 'payments.created_at'])
    .select(['inbox.topic', 'inbox.partition', 'inbox.offset', 'inbox.published_at', 'inbox.processed_at'])
    .where('payments.order_id', '=', orderId)
    .executeTakeFirst()
  if (!row) return []

  const { topic, partition, offset } = row
  const message =
    topic !== null && partition !== null && offset !== null
      ? { topic, partition, offset: Number(offset) }
      : {}
  return [
    // The task's place in Kafka, which only its receiver learns.
    { hop: 'published', service: 'orders-service', at: timeOf(row.published_at), ...message },
    { hop: 'received', service: 'payments-service', at: timeOf(row.processed_at), ...message },
    {
      hop: row.status === 'COMPLETED' ? 'debited' : 'declined',
      service: 'payments-service',
      at: timeOf(row.created_at),
    },
  ]
}

const timeOf = (at: Date | null) => at?.toISOString() ?? null
