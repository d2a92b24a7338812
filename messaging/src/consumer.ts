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
export type ConsumerDefinition<DB, Payload, Locked = unknown> = {
  /** Name in the inbox and of the Kafka group. Never change it: it is what messages are remembered under. */
  name: string
  topics: string[]
  /**
   * Pure. `id` is the message's id where it has no CloudEvents id of its own. A message that it refuses is parked.
   */
  decode(message: IncomingMessage): Decoded<Payload>
  /**
   * What `handle` needs to lock or know first, where there is any: it travels in the round trip of the inbox, after it.
   * Also gets messages that turn out to be known, or have to wait: so it writes nothing. One or more `sql` statements,
   * asked for at once as by `together`.
   */
  lock?(trip: Transaction<DB>, messages: Message<Payload>[]): Promise<Locked>
  /**
   * The effect, on a set of messages not seen before, in the order of their partitions. It writes through `trx`
   * only; a throw undoes all of it. Throw for what is broken; decide what is merely refused. `locked` is what `lock`
   * answered, of these messages at least.
   */
  handle(trx: Transaction<DB>, messages: Message<Payload>[], locked: Locked): Promise<void>
  /** After the commit of a batch, for instance to wake a relay. Must not throw. */
  afterCommit?(): void
}
