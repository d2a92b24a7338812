import type { OutboxRow } from './envelope.ts'
import type { BatchOutcome } from './handle-batch.ts'
import type { Log } from './log.ts'
import type { IncomingMessage, OutgoingMessage } from './transport.ts'

/**
 * What the engine tells of its work, to metrics and traces of whatever kind. Called in step with the work, once a
 * page or batch, so be quick. What an observer throws is logged and changes nothing.
 */
export type RelayObserver = {
  /**
   * A page is about to be published. `messages[i]` is made of `rows[i]` and may be given headers, such as the
   * `traceparent` of a span. What is answered is called when the broker has acknowledged all of it, or has not.
   */
  onPublish?(messages: OutgoingMessage[], rows: readonly OutboxRow[]): (error?: unknown) => void
  /** The database or the broker failed; the relay tries again after a wait. */
  onFailure?(error: unknown): void
}

export type ConsumerObserver = {
  /**
   * A batch came and is about to be handled. Its messages may be given headers, which the handler then sees. What is
   * answered is called when all of it is committed, or when it is given up and will come again.
   */
  onBatch?(messages: readonly IncomingMessage[]): (ended: BatchOutcome | { error: unknown }) => void
}

/** No message waits because of who watches. */
export function tell<Answer>(log: Log, observer: () => Answer): Answer | undefined {
  try {
    return observer()
  } catch (err) {
    log.warn({ err }, 'an observer threw; the work goes on, and its metrics or traces miss something')
    return undefined
  }
}
