import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterMetadata, Consumer, GroupPartitionsAssigner } from '@platformatic/kafka'
import { assignPartitions } from './assign-partitions.ts'
import { type Backoff, backoffMs } from './backoff.ts'
import { heartbeatsPerSession, leaveMaxMs, sessionTimeoutMsDefault, whenAborted } from './group-member.ts'
import type { KafkaSettings } from './kafka-settings.ts'
import { OffsetCommits } from './offset-commits.ts'
import { cutOff, expectAnyThere, isError, openConsumer, partitionsLookMs } from './platformatic-client.ts'
import { Membership, type OwnedPlace } from './platformatic-membership.ts'
import type { Subscriber, Subscription } from './transport.ts'

/** About 5 s. */
const firstJoinRetries = 5
/** How often a member looks for topics that are not there: those of a new system are made while it begins. */
const topicsLookMs = 1_000
const again: Backoff = { firstMs: 200, maxMs: 5_000 }

/**
 * A member of a consumer group that comes back by itself, until it is closed. The client has streams, and they are of
 * no use here: where a group has committed nothing yet, they go on after a rebalance from what they had handed out,
 * handled or not.
 */
export async function subscribe(settings: KafkaSettings, subscription: Subscription): Promise<Subscriber> {
  const { log, sessionTimeoutMs = sessionTimeoutMsDefault } = settings
  const { groupId, topics, offsetCommitIntervalMs } = subscription
  const closing = new AbortController()
  let membership: { end(): Promise<void> } | undefined
  let isJoiningAgain = false
  /** How many partitions each topic had when the group was joined last. */
  let joinedWith: Map<string, number> | undefined
  /** Topics of which it is told that they are gone. */
  const gone = new Set<string>()
  /** When the group last counted this member in. */
  let memberAt = Number.NEGATIVE_INFINITY

  const member = openConsumer(settings, groupId, topics, {
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: sessionTimeoutMs / heartbeatsPerSession,
    // As kafkajs calls its own, so that members of both can be in one group.
    protocols: [{ name: 'RoundRobinAssigner', version: 1 }],
    partitionAssigner,
    // Called before it joins, each time; joining waits for it.
    async protocolsMetadata(_, __, found) {
      expectAnyThere(topics, found)
      await giveUp()
      return Buffer.alloc(0)
    },
  })
  const offsets = new OffsetCommits(
    due => member.commit({ offsets: due.map(of => ({ ...of, leaderEpoch: -1 })) }).catch(exceptForNoTopic),
    log,
  )

  /** Of the partitions that it holds. What was handled is committed while the group still takes it. */
  async function giveUp(): Promise<void> {
    await membership?.end()
    membership = undefined
    if (member.memberId) await offsets.commitAll()
    offsets.forget()
  }

  async function placesOf(assignments: Consumer['assignments']): Promise<OwnedPlace[]> {
    const places = (assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map(partition => ({ topic, partition, next: -1n, handled: -1n })),
    )
    if (places.length === 0) return []
    const committed = await member.listCommittedOffsets({ topics: assignments! })
    for (const place of places) {
      place.handled = committed.get(place.topic)?.[place.partition] ?? -1n
      place.next = place.handled
    }
    return places
  }

  function takeUp(): void {
    // Two at once would read the same partitions, each at a place of its own: out of order within a key.
    const before = membership?.end()
    const over = new AbortController()
    // Waiting for messages holds up all else that is asked on a connection, heartbeats too: reading has its own.
    const consumer = openConsumer(settings, groupId, topics)
    const beginning = (async () => {
      await before
      for (let failures = 0; !over.signal.aborted; failures++) {
        try {
          const places = await placesOf(member.assignments)
          if (over.signal.aborted) return
          const onHandled = (place: OwnedPlace) =>
            offsets.handled(place.topic, place.partition, place.handled)
          return new Membership({ ...subscription, consumer, places, onHandled, log })
        } catch (err) {
          log.debug({ err, group: groupId }, 'cannot find where to begin; trying again')
          await pause(failures, over.signal)
        }
      }
    })()
    membership = {
      async end() {
        over.abort()
        await (await beginning)?.end()
        cutOff(consumer)
      },
    }
  }

  /** A cluster that has just started takes a while to say who coordinates the group. */
  async function join(): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await member.joinGroup()
        return
      } catch (error) {
        if (failures === firstJoinRetries || closing.signal.aborted) throw error
        await pause(failures, closing.signal)
      }
    }
  }
  /** A consumer that gives up helps nobody. */
  async function joinAgain(): Promise<void> {
    if (isJoiningAgain) return
    isJoiningAgain = true
    for (let failures = 0; ; failures++) {
      await pause(failures, closing.signal)
      if (closing.signal.aborted) return
      try {
        await member.joinGroup()
        isJoiningAgain = false
        return
      } catch (err) {
        log.warn({ err, group: groupId }, 'cannot consume yet; trying again')
      }
    }
  }

  const partitionCounts = ({ topics: found }: ClusterMetadata) =>
    new Map(topics.map(topic => [topic, found.get(topic)?.partitions.length ?? 0]))

  /** The others are read on. */
  function tellOfTopics(found: Map<string, number>): void {
    for (const [topic, count] of found) {
      if (count === 0 && !gone.has(topic)) {
        gone.add(topic)
        log.warn(
          { topic, group: groupId },
          'a topic is not in Kafka: it is read once it is made again, and the others are read on',
        )
      } else if (count > 0 && gone.delete(topic)) {
        log.info({ topic, group: groupId }, 'a topic is in Kafka again, and read')
      }
    }
  }

  /**
   * Partitions that are added belong to nobody until the group is joined again. Those of a topic that is gone are kept: they
   * know it from one that is made again by its name, of which all is new.
   */
  async function lookForPartitions(): Promise<void> {
    try {
      const found = partitionCounts(await member.metadata({ topics, forceUpdate: true }))
      if (joinedWith === undefined) return
      tellOfTopics(found)
      const isOther = (topic: string) => found.get(topic) !== 0 && found.get(topic) !== joinedWith?.get(topic)
      if (!topics.some(isOther)) return
      joinedWith = undefined
      await joinAgain()
    } catch (err) {
      log.debug({ err, group: groupId }, 'cannot look for more partitions; trying again')
    }
  }

  async function keepLooking(): Promise<void> {
    const { signal } = closing
    for (;;) {
      const waitMs = gone.size > 0 ? topicsLookMs : partitionsLookMs
      await sleep(waitMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      await lookForPartitions()
    }
  }

  member.on('consumer:group:join', () => {
    memberAt = performance.now()
    joinedWith = partitionCounts(member.currentMetadata!)
    tellOfTopics(joinedWith)
    takeUp()
  })
  member.on('consumer:heartbeat:end', () => {
    memberAt = performance.now()
  })
  // Of joining again, after which it would do nothing more.
  member.on('error', () => void joinAgain())

  const given = subscription.signal
  try {
    await Promise.race([join(), whenAborted(given)])
    given?.throwIfAborted()
  } catch (error) {
    closing.abort()
    void membership?.end()
    cutOff(member)
    throw error
  }
  const committing = setInterval(() => offsets.commit(), offsetCommitIntervalMs)
  void keepLooking()
  return {
    isRunning: () => !closing.signal.aborted && performance.now() - memberAt < sessionTimeoutMs,
    async close() {
      closing.abort()
      clearInterval(committing)
      await membership?.end()
      const left = offsets.commitAll().then(() => member.close())
      await Promise.race([left.catch(() => undefined), sleep(leaveMaxMs, undefined, { ref: false })])
      cutOff(member)
    },
  }
}

const partitionAssigner: GroupPartitionsAssigner = (_, members, __, metadata) => {
  const readers = [...members].map(([memberId, { topics = [] }]) => ({ memberId, topics }))
  const assigned = assignPartitions(readers, topic => metadata.topics.get(topic)!.partitionsCount)
  return [...assigned].map(([memberId, given]) => ({
    memberId,
    assignments: new Map([...given].map(([topic, partitions]) => [topic, { topic, partitions }])),
  }))
}

/** To keep trying would commit it to the topic that is made next by the same name. */
function exceptForNoTopic(error: Error): void {
  if (!isError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
}

async function pause(failures: number, signal: AbortSignal): Promise<void> {
  await sleep(backoffMs(again, failures, Math.random()), undefined, { signal }).catch(() => undefined)
}
