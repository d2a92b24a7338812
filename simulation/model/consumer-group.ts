import type { EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { Instance } from '../scheduler.ts'
import type { ModelKafka, Stored } from './kafka.ts'

type EachBatch = (payload: EachBatchPayload) => Promise<void>
type Place = { topic: string; partition: number }
const nameOf = ({ topic, partition }: Place) => `${topic}/${partition}`

/** What the broker keeps of a consumer group. A new generation begins at once: the old owner may still be at work. */
export class Group {
  readonly kafka: ModelKafka
  readonly topics: string[]
  readonly committed = new Map<string, number>()
  generation = 0
  members: ModelConsumer[] = []

  constructor(kafka: ModelKafka, topics: string[]) {
    this.kafka = kafka
    this.topics = topics
  }

  join(member: ModelConsumer): void {
    if (this.members.includes(member)) return
    this.members.push(member)
    this.#rebalance()
  }

  leave(member: ModelConsumer): void {
    if (!this.members.includes(member)) return
    this.members = this.members.filter(other => other !== member)
    this.#rebalance()
  }

  placesOf(member: ModelConsumer): Place[] {
    const places = this.topics.flatMap(topic =>
      this.kafka.log(topic).map((_, partition) => ({ topic, partition })),
    )
    const turn = this.members.indexOf(member)
    return places.filter((_, i) => (i + this.generation) % this.members.length === turn)
  }

  #rebalance(): void {
    this.generation++
    this.kafka.changed()
  }
}

/** A model of the kafkajs consumer, as far as our subscriber uses it. */
export class ModelConsumer {
  readonly events = {
    GROUP_JOIN: 'group_join',
    HEARTBEAT: 'heartbeat',
    REBALANCING: 'rebalancing',
    CRASH: 'crash',
  } as const
  readonly instance: Instance
  readonly #kafka: ModelKafka
  readonly #groupId: string
  readonly #listeners = new Map<string, () => void>()
  readonly #positions = new Map<string, number>()
  #group!: Group
  #generation = -1
  #isStopped = false
  #running: Promise<void> | undefined

  constructor(kafka: ModelKafka, instance: Instance, groupId: string) {
    this.#kafka = kafka
    this.instance = instance
    this.#groupId = groupId
  }

  on(event: string, listener: () => void): void {
    this.#listeners.set(event, listener)
  }

  async connect(): Promise<void> {}

  async subscribe({ topics }: { topics: string[] }): Promise<void> {
    this.#group = this.#kafka.group(this.#groupId, topics)
  }

  async run({ eachBatch }: { eachBatch: EachBatch }): Promise<void> {
    this.#running = this.#run(eachBatch)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#kafka.changed()
    await this.#running
  }

  async disconnect(): Promise<void> {
    this.#isStopped = true
    this.#group.leave(this)
  }

  /** Refused for a member that the group has gone on without. */
  async commitOffsets(offsets: (Place & { offset: string })[]): Promise<void> {
    const what = offsets.map(due => `${nameOf(due)} ${due.offset}`)
    await this.#kafka.scheduler.call(this.instance, `commit offsets ${what}`, () => {
      if (!this.#isMember()) throw new Error('The group is rebalancing, so a rejoin is needed')
      for (const due of offsets) this.#group.committed.set(nameOf(due), Number(due.offset))
    })
  }

  #isMember = () => this.#generation === this.#group.generation && this.#group.members.includes(this)

  async #run(eachBatch: EachBatch): Promise<void> {
    const { scheduler } = this.#kafka
    while (!this.#isStopped) {
      try {
        if (!this.#isMember()) await this.#join()
        const fetched = await scheduler.call(this.instance, 'fetch', () => this.#fetch())
        if (fetched.length === 0) await this.#kafka.change()
        const ended = await Promise.allSettled(fetched.map(batch => this.#handle(batch, eachBatch)))
        // kafkajs fetches again from where it was, or gives up and joins again.
        if (ended.some(({ status }) => status === 'rejected') && scheduler.chance(0.5)) this.#generation = -1
      } catch {
        this.#generation = -1
      }
    }
  }

  async #join(): Promise<void> {
    this.#listeners.get(this.events.REBALANCING)?.()
    await this.#kafka.scheduler.call(this.instance, 'join group', () => {
      // Its sockets were closed meanwhile.
      if (this.#isStopped) throw new Error('closed')
      this.#group.join(this)
      this.#generation = this.#group.generation
      this.#positions.clear()
      for (const place of this.#group.placesOf(this)) {
        this.#positions.set(nameOf(place), this.#group.committed.get(nameOf(place)) ?? 0)
      }
    })
    this.#listeners.get(this.events.GROUP_JOIN)?.()
  }

  #fetch(): (Place & { messages: Stored[] })[] {
    if (!this.#isMember()) throw new Error('rebalancing')
    return this.#group.placesOf(this).flatMap(place => {
      const from = this.#positions.get(nameOf(place)) ?? 0
      const log = this.#kafka.log(place.topic)[place.partition] as Stored[]
      const messages = log.slice(from, from + this.#kafka.scheduler.between(1, 6))
      return messages.length > 0 ? [{ ...place, messages }] : []
    })
  }

  async #handle({ topic, partition, messages }: Place & { messages: Stored[] }, eachBatch: EachBatch) {
    const generation = this.#generation
    const payload: Pick<EachBatchPayload, 'resolveOffset' | 'heartbeat' | 'isStale'> & { batch: object } = {
      batch: {
        topic,
        partition,
        messages: messages.map(toKafkaMessage),
        lastOffset: () => String(messages.at(-1)?.offset),
      },
      resolveOffset: offset => void this.#positions.set(nameOf({ topic, partition }), Number(offset) + 1),
      heartbeat: async () => {
        if (!this.#isMember()) throw new Error('The group is rebalancing, so a rejoin is needed')
      },
      isStale: () => generation !== this.#generation,
    }
    await eachBatch(payload as EachBatchPayload)
  }
}

const toKafkaMessage = ({ key, value, headers, offset }: Stored): KafkaMessage => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  headers,
  offset: String(offset),
  timestamp: '0',
  attributes: 0,
})
