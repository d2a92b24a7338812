import { handledMessage } from 'edge/handled-message'
import type { Hop } from 'edge/timeline'
import { type Kysely, sql } from 'kysely'
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
    const waiting = await findWaitingTask(db, orderId)
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

type ReceivedTask = {
  topic: string | null
  partition: number | null
  offset: bigint | null
  published_at: Date | null
  processed_at: Date | null
}

/** With the task's place in Kafka, which only its receiver learns. */
function receivedHops({ topic, partition, offset, published_at, processed_at }: ReceivedTask): Hop[] {
  const message =
    topic !== null && partition !== null && offset !== null
      ? { topic, partition, offset: Number(offset) }
      : {}
  return [
    { hop: 'published', service: 'orders-service', at: timeOf(published_at), ...message },
    { hop: 'received', service: 'payments-service', at: timeOf(processed_at), ...message },
  ]
}

/**
 * A task that is parked or waits behind one that is: who asks for the timeline of its order wants to know that it
 * has come. Reads what is open, by its partial index; which event is that of an order, only its message says.
 */
async function findWaitingTask(
  db: Kysely<PaymentsDatabase>,
  orderId: string,
): Promise<ReceivedTask | undefined> {
  const { rows } = await sql<ReceivedTask>`
    select letter.topic, letter."partition", letter."offset", letter.published_at, inbox.processed_at
    from dead_letters as letter left join inbox using (consumer, event_id)
    where letter.consumer = ${debitAccountsName} and letter.topic = ${tasksTopic}
      and letter.state in ('parked', 'waiting')
      and (letter.event_id = ${orderId} or letter.headers ->> 'ce_subject' = ${orderId})
    limit 1`.execute(db)
  return rows[0]
}

const timeOf = (at: Date | null) => at?.toISOString() ?? null
