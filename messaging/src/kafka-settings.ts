import type { Log } from './log.ts'

export type KafkaSettings = {
  brokers: string[]
  clientId: string
  log: Log
  /** A member of a group that was killed holds its partitions for this long. Brokers take no less than 6,000 by default. */
  sessionTimeoutMs?: number
  /** Encrypts, and checks who the broker is. PEM texts: who may vouch for it, and a certificate of our own if it asks. */
  tls?: { ca?: string; cert?: string; key?: string }
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
}

/**
 * Of one fetch, and of a partition in it; a message that is larger comes alone. With 5 MB a gateway that started on a
 * long topic ran out of its heap of 96 MB: what a client makes of a small message is a multiple of it.
 */
export const fetchBytesMax = 1024 * 1024
export const fetchPartitionBytesMax = 256 * 1024
