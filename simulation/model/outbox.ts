import type { Transaction } from 'kysely'
import type { OutboxEvent } from '../../messaging/src/event.ts'
import { type ModelTransaction, modelOf } from './database.ts'

export const outboxFor = <Events extends OutboxEvent>() =>
  async function appendToOutbox<DB>(given: Transaction<DB>, events: readonly Events[]): Promise<void> {
    const trx = modelOf<ModelTransaction>(given)
    if (events.length === 0) return
    trx.isFollowed = true
    await trx.statement(`append ${events.map(({ aggregateId }) => aggregateId.slice(-4))} to outbox`)
    for (const event of events) {
      const id = trx.db.drawOutboxId()
      trx.db.outbox.push({
        id,
        xid: trx.takeXid(),
        event_id: event.eventId ?? `${trx.db.name}-event-${id}`,
        aggregate_type: event.aggregateType,
        aggregate_id: event.aggregateId,
        event_type: event.type,
        topic: event.topic,
        key: event.key,
        payload: JSON.stringify(event.payload),
        headers: event.headers ? JSON.stringify(event.headers) : null,
        created_at: '2026-11-21 10:00:00+00',
      })
    }
  }
