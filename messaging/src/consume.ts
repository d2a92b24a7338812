import { setTimeout as sleep } from 'node:timers/promises'
import { assertWhole } from './assert-whole.ts'
import { type Backoff, backoffMs } from './backoff.ts'
import { releaseForgottenKeys } from './dead-letters.ts'
import { type HandlerSettings, handleBatch } from './handle-batch.ts'
import { type ConsumerObserver, tell } from './observer.ts'
import type { Subscriber, Transport } from './transport.ts'

export type ConsumerSettings<DB, Payload> = HandlerSettings<DB, Payload> & {
  transport: Pick<Transport, 'subscribe'>
  /** Messages in one transaction at most, 1 to 10,000. Larger is faster until locks are held too long. */
  batchSizeMax?: number
  offsetCommitIntervalMs?: number
  /** How often it looks for keys whose release a crash cut short. */
  releaseIntervalMs?: number
  subscribeRetry?: Backoff
  observer?: ConsumerObserver
}

export type RunningConsumer = {
  isRunning(): boolean
  /** Stops fetching, finishes the batch in hand, commits its offsets and leaves the group. */
  stop(): Promise<void>
}

const defaults = {
  batchSizeMax: 500,
  offsetCommitIntervalMs: 1_000,
  releaseIntervalMs: 60_000,
  subscribeRetry: { firstMs: 200, maxMs: 5_000 },
}

/**
 * Consumes until stopped. Returns at once, also while no broker answers: it then goes on trying. Each fetch, of all
 * partitions, is handled in transactions of at most batchSizeMax messages; see handleBatch for what it promises.
 * Throws RangeError for a batchSizeMax out of bounds.
 */
export function startConsumer<DB, Payload>(settings: ConsumerSettings<DB, Payload>): RunningConsumer {
  const { definition, log } = settings
  const { transport, batchSizeMax, offsetCommitIntervalMs, releaseIntervalMs, subscribeRetry, observer } = {
    ...defaults,
    ...settings,
  }
  assertWhole('batchSizeMax', batchSizeMax, 10_000)
  const stopping = new AbortController()
  const { signal } = stopping
  let subscriber: Subscriber | undefined

  async function subscribe(): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        subscriber = await transport.subscribe({
          groupId: definition.name,
          topics: definition.topics,
          batchSizeMax,
          offsetCommitIntervalMs,
          signal,
          async onBatch(messages, batchSignal) {
            const onEnd = tell(log, () => observer?.onBatch?.(messages))
            try {
              const outcome = await handleBatch(settings, messages, batchSignal)
              tell(log, () => onEnd?.(outcome))
            } catch (error) {
              tell(log, () => onEnd?.({ error }))
              throw error
            }
          },
        })
        log.info({ consumer: definition.name, topics: definition.topics }, 'consuming')
        return
      } catch (err) {
        if (signal.aborted) return
        const waitMs = backoffMs(subscribeRetry, failures, Math.random())
        log.warn(
          { err, waitMs: Math.round(waitMs), consumer: definition.name },
          'cannot consume yet; trying again',
        )
        await sleep(waitMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async function runReleases(): Promise<void> {
    while (!signal.aborted) {
      try {
        const keys = await releaseForgottenKeys(settings)
        if (keys > 0)
          log.info({ consumer: definition.name, keys }, 'finished releases that had been cut short')
      } catch (err) {
        log.warn(
          { err, consumer: definition.name },
          'cannot look for unfinished releases; trying again later',
        )
      }
      await sleep(releaseIntervalMs, undefined, { signal }).catch(() => undefined)
    }
  }

  const subscribing = subscribe()
  const releasing = runReleases()
  return {
    isRunning: () => subscriber?.isRunning() ?? false,
    async stop() {
      stopping.abort()
      await subscribing
      await Promise.all([releasing, subscriber?.close()])
    },
  }
}
