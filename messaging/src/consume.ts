import { setTimeout as sleep } from 'node:timers/promises'
import { type Backoff, backoffMs } from './backoff.ts'
import { type BatchOutcome, type HandlerSettings, handleBatch } from './handle-batch.ts'
import type { Subscriber, Transport } from './transport.ts'

export type ConsumerSettings<DB, Payload> = HandlerSettings<DB, Payload> & {
  transport: Pick<Transport, 'subscribe'>
  /** Messages in one transaction at most. Larger is faster until locks are held too long. */
  batchSizeMax?: number
  offsetCommitIntervalMs?: number
  subscribeRetry?: Backoff
  onBatch?(outcome: BatchOutcome): void
}

export type RunningConsumer = {
  isRunning(): boolean
  /** Stops fetching, finishes the batch in hand, commits its offsets and leaves the group. */
  stop(): Promise<void>
}

const defaults = {
  batchSizeMax: 500,
  offsetCommitIntervalMs: 1_000,
  subscribeRetry: { firstMs: 200, maxMs: 5_000 },
}

/**
 * Consumes until stopped. Returns at once, also while no broker answers: it then goes on trying. Each fetch, of all
 * partitions, is handled in transactions of at most batchSizeMax messages; see handleBatch for what it promises.
 */
export function startConsumer<DB, Payload>(settings: ConsumerSettings<DB, Payload>): RunningConsumer {
  const { transport, definition, log, batchSizeMax, offsetCommitIntervalMs, subscribeRetry, onBatch } = {
    ...defaults,
    ...settings,
  }
  const stopping = new AbortController()
  let subscriber: Subscriber | undefined

  async function subscribe(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      try {
        subscriber = await transport.subscribe({
          groupId: definition.name,
          topics: definition.topics,
          from: 'earliest',
          batchSizeMax,
          offsetCommitIntervalMs,
          async onBatch(messages, signal) {
            const outcome = await handleBatch(settings, messages, signal)
            onBatch?.(outcome)
          },
        })
        log.info({ consumer: definition.name, topics: definition.topics }, 'consuming')
        return
      } catch (err) {
        const waitMs = backoffMs(subscribeRetry, failures, Math.random())
        log.warn(
          { err, waitMs: Math.round(waitMs), consumer: definition.name },
          'cannot consume yet; trying again',
        )
        await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
  }

  const subscribing = subscribe()
  return {
    isRunning: () => subscriber?.isRunning() ?? false,
    async stop() {
      stopping.abort()
      await subscribing
      await subscriber?.close()
    },
  }
}
