import { type Static, Type } from 'typebox'
import { Duration, millisecondsOf } from './duration.ts'

/** Variables of a service that publishes and consumes. */
export const EngineConfig = {
  /** Outbox rows read and published at once. */
  RELAY_BATCH_SIZE: Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000 }),
  /** Messages handled in one transaction. */
  CONSUMER_BATCH_SIZE: Type.Integer({ minimum: 1, maximum: 10_000, default: 500 }),
  /** How often a message is tried before it is parked. */
  HANDLER_ATTEMPTS_MAX: Type.Integer({ minimum: 1, maximum: 100, default: 5 }),
  OUTBOX_RETENTION: Duration('3d'),
  INBOX_RETENTION: Duration('30d'),
  IDEMPOTENCY_RETENTION: Duration('24h'),
}

/** The same in the engine's own terms. */
export function engineSettings(
  config: { [Name in keyof typeof EngineConfig]: Static<(typeof EngineConfig)[Name]> },
) {
  return {
    relay: { batchSize: config.RELAY_BATCH_SIZE },
    consumer: { batchSizeMax: config.CONSUMER_BATCH_SIZE, attemptsMax: config.HANDLER_ATTEMPTS_MAX },
    retention: {
      outboxRetentionMs: millisecondsOf(config.OUTBOX_RETENTION),
      inboxRetentionMs: millisecondsOf(config.INBOX_RETENTION),
    },
    idempotencyRetentionMs: millisecondsOf(config.IDEMPOTENCY_RETENTION),
  }
}
