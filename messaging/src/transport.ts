/** What the engine needs of a broker. Kept this thin so that the client library behind it can be changed. */
export type Transport = {
  /**
   * Resolves when every message is acknowledged by all in-sync replicas. Messages of one partition are appended
   * in the order given. Rejects when any is not known to be stored: some may be, and are sent again.
   */
  publish(messages: OutgoingMessage[]): Promise<void>
  /**
   * Calls `onBatch` with what was fetched, one call at a time, until closed. Rejects where none of the topics is there. One
   * that is not, or is deleted later, holds up no other (over kafkajs it does): it is told, and read from its beginning
   * once it is made.
   */
  subscribe(subscription: Subscription): Promise<Subscriber>
  /**
   * Reads a whole topic for this process alone, beside any group, from the places that `begin` chooses. Nothing
   * is committed. Rejects when no broker answers; from then on it finds its way back by itself, missing nothing.
   */
  follow(following: Following): Promise<Subscriber>
  /** Creates the topics that are missing and waits until they can be used; leaves those that exist as they are. */
  ensureTopics(topics: TopicSettings[]): Promise<void>
  /** Rejects when no broker answers, at the latest after 5 s. */
  ping(): Promise<void>
  /**
   * Messages between the group's committed offset and the end of each topic; for metrics, not for decisions. Rejects while
   * one of the topics is not there.
   */
  lag(groupId: string, topics: string[]): Promise<number>
  close(): Promise<void>
}

export type OutgoingMessage = {
  topic: string
  key: string | null
  value: string
  headers: Record<string, string>
}

export type IncomingMessage = {
  topic: string
  partition: number
  offset: bigint
  /**
   * As text: NUL and what is not UTF-8 read as U+FFFD; of one over 1,000 bytes, its start and its SHA-256.
   */
  key: string | null
  value: Buffer | null
  headers: Record<string, string>
  /** When the broker or the producer stamped it. */
  timestamp: Date
}

export type Subscription = {
  groupId: string
  topics: string[]
  /**
   * Gets messages of all fetched partitions together, at most `batchSizeMax`, in offset order within each
   * partition. When it resolves, they count as handled and their offsets are committed in the background;
   * when it rejects, the same messages come again, here or at the partitions' next owner. `signal` aborts when the
   * partitions are being taken away or the subscriber is closing: stop retrying then.
   */
  onBatch(messages: IncomingMessage[], signal: AbortSignal): Promise<void>
  batchSizeMax: number
  offsetCommitIntervalMs: number
  /** Ends an attempt to subscribe that is under way, which then rejects with the signal's reason. */
  signal?: AbortSignal
}

/** One partition at one moment: its oldest message still held, and the offset that the next one gets. */
export type PartitionRange = { partition: number; first: bigint; end: bigint }

export type Following = {
  topic: string
  /** Called once, before the first batch; answers the offset at which to begin for every partition. */
  begin(partitions: PartitionRange[]): Map<number, bigint>
  /**
   * Gets what came of one partition, in offset order; `next` is the offset after it, also where the broker holds
   * no message there. Offsets go back only where the topic was deleted and made again, or brokers lost the end of its
   * log. Must not throw.
   */
  onBatch(partition: number, messages: IncomingMessage[], next: bigint): void
}

export type Subscriber = {
  /** Whether it is a member of its group at this moment. */
  isRunning(): boolean
  /**
   * Aborts the signal of the batch in hand and waits for it, however long it takes; then commits its offsets and
   * leaves the group, within 3 s, or leaves both to the next owner where no broker answers. Handles nothing more.
   */
  close(): Promise<void>
}

export type TopicSettings = {
  topic: string
  partitions: number
  replication: number
  minInsyncReplicas: number
}
