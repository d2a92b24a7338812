import type { Transaction } from 'kysely'
import type { IncomingMessage } from './transport.ts'

/** What a decoder makes of a message's bytes: its content, or the reason why it has none. */
export type Decoded<Payload> = { ok: true; payload: Payload; id?: string } | { ok: false; reason: string }

export type Message<Payload> = {
  eventId: string
  payload: Payload
  source: IncomingMessage
}

/** One kind of consumer: what it is called, what it reads and what it does. */
export type ConsumerDefinition<DB, Payload> = {
  /** Name in the inbox and of the Kafka group. Never change it: it is what messages are remembered under. */
  name: string
  topics: string[]
  /**
   * Pure. `id` is the message's id where it has no CloudEvents id of its own. A message that it refuses is parked.
   */
  decode(message: IncomingMessage): Decoded<Payload>
  /**
   * The effect, on a set of messages not seen before, in the order of their partitions. It writes through `trx`
   * only; a throw undoes all of it. Throw for what is broken; decide what is merely refused.
   */
  handle(trx: Transaction<DB>, messages: Message<Payload>[]): Promise<void>
  /** After the commit of a batch, for instance to wake a relay. Must not throw. */
  afterCommit?(): void
}
