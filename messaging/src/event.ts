/**
 * A type-checked event: what a service writes into its outbox. `aggregateId` says what it is about; `key` orders it
 * (all events of one key arrive in the order appended), null where no order is needed.
 */
export type OutboxEvent<Type extends string = string, Topic extends string = string, Payload = unknown> = {
  type: Type
  topic: Topic
  key: string | null
  aggregateType: string
  aggregateId: string
  payload: Payload
  /** UUID; made by the database where absent. */
  eventId?: string
  /** Extra Kafka headers, such as traceparent. */
  headers?: Record<string, string>
}
