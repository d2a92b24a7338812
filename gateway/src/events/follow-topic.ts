import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from 'messaging/backoff'
import type { Log } from 'messaging/log'
import type { Subscriber, TopicSettings, Transport } from 'messaging/transport'
import type { EventHub } from './event-hub.ts'

const retry = { firstMs: 200, maxMs: 5_000 }
/** An attempt to reach a broker that does not answer may outlast this process; it is not waited for longer. */
const stopMsMax = 1_000

type Broker = Pick<Transport, 'ensureTopics' | 'follow'>

/** Makes the topic where it is missing, and hands all of it to the hub. Rejects where no broker answers. */
async function followOnce(broker: Broker, hub: EventHub, topic: TopicSettings): Promise<Subscriber> {
  await broker.ensureTopics([topic])
  return broker.follow({
    topic: topic.topic,
    begin: partitions => hub.begin(partitions),
    onBatch: (partition, messages, next) => hub.take(partition, messages, next),
  })
}

/** Follows the topic from when a broker first answers; from then on the transport finds its way back by itself. */
export function startFollowing(broker: Broker, hub: EventHub, topic: TopicSettings, log: Log) {
  const stopping = new AbortController()
  let subscriber: Subscriber | undefined
  const follow = async () => {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      try {
        subscriber = await followOnce(broker, hub, topic)
        return
      } catch (err) {
        const waitMs = Math.round(backoffMs(retry, attempt, Math.random()))
        log.warn({ err, topic: topic.topic, waitMs }, 'events are not followed yet; trying again')
        await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
  }
  const followed = follow()
  return {
    isRunning: () => subscriber?.isRunning() ?? false,
    async stop() {
      stopping.abort()
      const closed = followed.then(() => subscriber?.close())
      await Promise.race([closed, sleep(stopMsMax, undefined, { ref: false })])
    },
  }
}
