import { handledMessage } from 'edge/handled-message'
import { findPutAside, type KnownMessage } from 'edge/put-aside'
import type { Hop, Timeline } from 'edge/timeline'
import type { Kysely } from 'kysely'
import type { PaymentsDatabase } from '../database.ts'
import { debitAccountsName, tasksTopic } from './debit-accounts.ts'

const detail =
  'A task to pay this order was discarded: nothing was debited by it. Unless another task comes, an order that is open ' +
  `stays open until somebody acts. To have it paid after all, send the task to ${tasksTopic} again under a new event id.`

/** What this service knows of the way of one order; no hops while its task has not been received. */
export async function findPaymentTimeline(db: Kysely<PaymentsDatabase>, orderId: string): Promise<Timeline> {
  const row = await db
    .selectFrom('payments')
    .leftJoin(handledMessage(debitAccountsName, 'payments.task_event_id'), join => join.onTrue())
    .select(['payments.status', 'payments.created_at'])
    .select(['inbox.topic', 'inbox.partition', 'inbox.offset', 'inbox.published_at', 'inbox.processed_at'])
    .where('payments.order_id', '=', orderId)
    .executeTakeFirst()
  if (!row) {
    const consumer = debitAccountsName
    const task = await findPutAside(db, { service: 'payments', consumer, topic: tasksTopic, orderId, detail })
    const hops = task ? receivedHops(task.message) : []
    return { order_id: orderId, hops, ...(task?.discarded && { discarded: task.discarded }) }
  }
  return {
    order_id: orderId,
    hops: [
      ...receivedHops(row),
      {
        hop: row.status === 'COMPLETED' ? 'debited' : 'declined',
        service: 'payments-service',
        at: timeOf(row.created_at),
      },
    ],
  }
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
