import { setTimeout as sleep } from 'node:timers/promises'
import { type Backoff, backoffMs } from 'messaging/backoff'
import type { Log } from 'messaging/log'
import type { TopicSettings, Transport } from 'messaging/transport'

/** Bounds how many consumers of one group work at once; more keys than this share partitions. */
const partitions = 6
const retry: Backoff = { firstMs: 200, maxMs: 5_000 }

type TopicConfig = { KAFKA_REPLICATION: number; KAFKA_MIN_INSYNC_REPLICAS: number }

export const topicSettings = (topic: string, config: TopicConfig): TopicSettings => ({
  topic,
  partitions,
  replication: config.KAFKA_REPLICATION,
  minInsyncReplicas: config.KAFKA_MIN_INSYNC_REPLICAS,
})

/**
 * Creates the topics that are missing, in the background: a broker that is down at start is waited for, as long as it
 * takes, while the HTTP side already works.
 */
export function startTopics({
  transport,
  topics,
  config,
  log,
}: {
  transport: Pick<Transport, 'ensureTopics'>
  topics: string[]
  config: TopicConfig
  log: Log
}): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const settings = topics.map(topic => topicSettings(topic, config))

  async function ensure(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      try {
        await transport.ensureTopics(settings)
        return log.info({ topics }, 'topics are there')
      } catch (err) {
        const waitMs = backoffMs(retry, failures, Math.random())
        log.warn(
          { err, topics, waitMs: Math.round(waitMs) },
          'cannot make sure of the topics yet; trying again',
        )
        await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
  }

  const ensuring = ensure()
  return {
    async stop() {
      stopping.abort()
      await ensuring
    },
  }
}
