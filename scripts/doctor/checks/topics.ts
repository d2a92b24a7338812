import { type Finding, timeWords } from '../finding.ts'

export type TopicState = {
  brokers: number
  /** Of its partition that has fewest. */
  replicas: number
  inSync: number
  leaderless: number
  minInSync: number
  isUnclean: boolean
  cleanup: string
  /** Undefined: for ever, as much as there is. */
  retentionMs: number | undefined
  retentionBytes: number | undefined
}
export type TopicNeeds = { longestStopMs: number; inboxRetentionMs: number }

const page = 'docs/doctor.md#topics'

export function judgeTopic(topic: string, state: TopicState | undefined, needs: TopicNeeds): Finding[] {
  if (!state) {
    return [
      {
        level: 'fault',
        what: 'It does not exist.',
        means: 'What should go through it waits in the outbox of its sender.',
        next: 'Start orders-service or payments-service: each makes what is missing. If one runs, its log says why it cannot.',
        page,
      },
    ]
  }
  return [...judgeCopies(topic, state), ...judgeRetention(topic, state, needs)]
}

const setting = (topic: string, value: string) =>
  `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config ${value}`

const majority = (replicas: number) => Math.floor(replicas / 2) + 1

function judgeCopies(topic: string, state: TopicState): Finding[] {
  const { brokers, replicas, inSync, leaderless, minInSync, isUnclean } = state
  const findings: Finding[] = []
  const find = (level: Finding['level'], what: string, means: string, next: string) =>
    findings.push({ level, what, means, next, page })

  if (leaderless > 0)
    find(
      'fault',
      `${leaderless} of its partitions have no leader.`,
      'Messages of the keys that belong there wait in the outbox.',
      'Bring the brokers back that hold them. Do not elect a leader by force: that loses messages.',
    )
  if (isUnclean)
    find(
      'fault',
      'unclean.leader.election.enable is true.',
      'A broker that has missed messages may become leader; those messages, though acknowledged, are gone.',
      `Run ${setting(topic, 'unclean.leader.election.enable=false')}`,
    )
  if (minInSync > replicas)
    find(
      'fault',
      `min.insync.replicas is ${minInSync}, and there are only ${replicas} replicas.`,
      'Every publish is refused; events wait in the outbox.',
      `Add replicas (kafka-reassign-partitions.sh), or run ${setting(topic, `min.insync.replicas=${majority(replicas)}`)}`,
    )
  if (replicas === 1 && brokers === 1)
    find(
      'note',
      'It has one replica, on the only broker.',
      'Right for development. The disk of that broker is all there is of messages that were published and not yet handled.',
      'For production: three brokers or more, KAFKA_REPLICATION=3 and KAFKA_MIN_INSYNC_REPLICAS=2 before topics are made.',
    )
  else if (replicas === 1)
    find(
      'fault',
      `It has one replica, though there are ${brokers} brokers.`,
      'With the disk of one broker, messages that were published and not yet handled are lost.',
      'Add replicas with kafka-reassign-partitions.sh, and set KAFKA_REPLICATION for topics to come.',
    )
  else if (minInSync === 1)
    find(
      'fault',
      `min.insync.replicas is 1, with ${replicas} replicas.`,
      'A message counts as stored when one broker has it: if that one dies while the others are behind, it is lost.',
      `Run ${setting(topic, `min.insync.replicas=${majority(replicas)}`)}, and set KAFKA_MIN_INSYNC_REPLICAS.`,
    )
  else if (minInSync === replicas)
    find(
      'advice',
      `min.insync.replicas is ${minInSync}, as many as there are replicas.`,
      'While any one broker is down, restarts included, nothing can be published. Nothing is lost.',
      'Have one replica more than that: add one with kafka-reassign-partitions.sh.',
    )
  if (replicas > 1 && inSync < replicas)
    find(
      inSync < minInSync ? 'fault' : 'advice',
      `Only ${inSync} of ${replicas} replicas are in sync.`,
      inSync < minInSync
        ? 'Publishing is refused; events wait in the outbox.'
        : 'One more broker down, and publishing may stop.',
      'Bring the broker back that is down or behind.',
    )
  return findings
}

function judgeRetention(topic: string, state: TopicState, needs: TopicNeeds): Finding[] {
  const { cleanup, retentionMs, retentionBytes } = state
  const findings: Finding[] = []
  const find = (level: Finding['level'], what: string, means: string, next: string) =>
    findings.push({ level, what, means, next, page })

  if (cleanup.includes('compact'))
    find(
      'fault',
      `cleanup.policy is ${cleanup}.`,
      'Of each user only the last message is kept: earlier ones may be deleted before they are handled.',
      `Run ${setting(topic, 'cleanup.policy=delete')}`,
    )
  if (retentionMs !== undefined && retentionMs < needs.longestStopMs)
    find(
      'fault',
      `It keeps messages for ${timeWords(retentionMs)}, and a consumer may stand still for ${timeWords(needs.longestStopMs)}.`,
      'After a stop longer than that, messages are gone before they were handled.',
      `Run ${setting(topic, `retention.ms=${needs.longestStopMs * 2}`)}, or say what the longest stop is: --longest-stop.`,
    )
  if (retentionBytes !== undefined)
    find(
      'advice',
      `It keeps at most ${retentionBytes} bytes of each partition.`,
      'In a burst, or while a consumer stands still, messages may be gone before they were handled.',
      `Run ${setting(topic, 'retention.bytes=-1')} and watch the disk instead.`,
    )
  if (retentionMs === undefined || retentionMs > needs.inboxRetentionMs)
    find(
      'advice',
      `It keeps messages ${retentionMs === undefined ? 'for ever' : `for ${timeWords(retentionMs)}`}; inboxes remember for ${timeWords(needs.inboxRetentionMs)}.`,
      'A consumer group that is set back further than its inbox remembers handles messages a second time.',
      `Make INBOX_RETENTION longer, or run ${setting(topic, `retention.ms=${needs.inboxRetentionMs}`)}`,
    )
  return findings
}
