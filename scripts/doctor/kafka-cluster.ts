import { openLog } from 'edge/log'
import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import type { KafkaSettings } from 'messaging/kafka-settings'
import { openClient } from 'messaging/kafkajs-client'
import type { TopicState } from './checks/topics.ts'
import { answerMsMax, within } from './within.ts'

const farewellMsMax = 1_000

/** Stamped by the broker as it is appended: the only way to ask one for its time. */
const clockTopic = 'doctor_clock'
const clockTopicSettings = [
  { name: 'message.timestamp.type', value: 'LogAppendTime' },
  { name: 'retention.ms', value: '3600000' },
]

/** The brokers as an administrator sees them. */
export class KafkaCluster {
  readonly where = 'Kafka'
  readonly at: string
  readonly #kafka: Kafka
  readonly #cutOff: () => void
  #admin: Promise<Admin> | undefined

  constructor(settings: Omit<KafkaSettings, 'clientId' | 'log'>) {
    const log = openLog('doctor', { LOG_LEVEL: 'silent', LOG_PRETTY: false })
    const { kafka, cutOff } = openClient({ ...settings, clientId: 'doctor', log })
    this.at = settings.brokers.join(', ')
    this.#kafka = kafka
    this.#cutOff = cutOff
  }

  /** Rejects where no broker answers, after some 5 s: kafkajs waits minutes for one that takes the connection and is silent. */
  async ping(): Promise<void> {
    await within(
      answerMsMax,
      this.#connected().then(admin => admin.describeCluster()),
    )
  }

  /** Undefined where there is no such topic. */
  async readTopic(topic: string): Promise<TopicState | undefined> {
    const admin = await this.#connected()
    if (!(await admin.listTopics()).includes(topic)) return undefined
    const { brokers } = await admin.describeCluster()
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics[0]?.partitions ?? []
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    })
    const entries = resources[0]?.configEntries ?? []
    const setting = (name: string) => entries.find(({ configName }) => configName === name)?.configValue ?? ''
    const limitOf = (name: string) => (Number(setting(name)) < 0 ? undefined : Number(setting(name)))
    return {
      brokers: brokers.length,
      replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      inSync: Math.min(...partitions.map(({ isr }) => isr.length)),
      leaderless: partitions.filter(({ leader }) => leader < 0).length,
      minInSync: Number(setting('min.insync.replicas')),
      isUnclean: setting('unclean.leader.election.enable') === 'true',
      cleanup: setting('cleanup.policy'),
      retentionMs: limitOf('retention.ms'),
      retentionBytes: limitOf('retention.bytes'),
    }
  }

  /** The broker's time in milliseconds. Writes one empty message to a topic of the doctor's own. */
  async readClock(): Promise<number> {
    const admin = await this.#connected()
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: clockTopic, numPartitions: 1, configEntries: clockTopicSettings }],
    })
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    try {
      const [stored] = await producer.send({ topic: clockTopic, messages: [{ value: null }] })
      return Number(stored?.logAppendTime)
    } finally {
      await producer.disconnect()
    }
  }

  async close(): Promise<void> {
    if (this.#admin) {
      const left = this.#admin.then(admin => admin.disconnect())
      await within(farewellMsMax, left).catch(() => undefined)
    }
    this.#cutOff()
  }

  #connected(): Promise<Admin> {
    this.#admin ??= (async () => {
      const admin = this.#kafka.admin()
      await admin.connect()
      return admin
    })()
    return this.#admin
  }
}
