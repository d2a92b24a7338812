import type { Instance } from '../scheduler.ts'
import type { ModelKafka } from './kafka.ts'

export type Owned = { topic: string; partitions: number[] }
type Offset = { topic: string; partition: number; offset: bigint }
const nameOf = ({ topic, partition }: Omit<Offset, 'offset'>) => `${topic}/${partition}`

/** What the broker keeps of a consumer group. A new generation begins at once: the old owner may still be at work. */
export class Group {
  readonly kafka: ModelKafka
  readonly topics: string[]
  readonly committed = new Map<string, bigint>()
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

  partitionsOf(member: ModelConsumer): Owned[] {
    const turn = this.members.indexOf(member)
    let place = this.generation
    return this.topics.map(topic => ({
      topic,
      partitions: [...this.kafka.log(topic).keys()].filter(() => place++ % this.members.length === turn),
    }))
  }

  #rebalance(): void {
    this.generation++
    this.kafka.changed()
  }
}

/** A model of the consumer of @platformatic/kafka, as far as our subscriber uses it. */
export class ModelConsumer {
  readonly instance: Instance
  readonly kafka: ModelKafka
  memberId: string | null = null
  assignments: Owned[] | null = null
  /** Topics keep the partitions that they begin with. */
  readonly currentMetadata: { topics: Map<string, { partitions: unknown[] }> }
  isClosed = false
  readonly #groupId: string
  readonly #topics: string[]
  readonly #beforeJoining: () => Promise<unknown>
  readonly #listeners = new Map<string, (about?: unknown) => void>()
  #generation = -1

  constructor(
    kafka: ModelKafka,
    instance: Instance,
    about: { groupId: string; topics: string[]; beforeJoining: () => Promise<unknown> },
  ) {
    this.kafka = kafka
    this.instance = instance
    this.#groupId = about.groupId
    this.#topics = about.topics
    this.currentMetadata = {
      topics: new Map(about.topics.map(topic => [topic, { partitions: kafka.log(topic) }])),
    }
    this.#beforeJoining = about.beforeJoining
  }

  on(event: string, listener: () => void): void {
    this.#listeners.set(event, listener)
  }

  async joinGroup(): Promise<void> {
    await this.#join()
    void this.#stay()
  }

  /** Refused for a member that the group has gone on without. */
  async commit({ offsets }: { offsets: Offset[] }): Promise<void> {
    const what = offsets.map(due => `${nameOf(due)} ${due.offset}`)
    await this.kafka.scheduler.call(this.instance, `commit offsets ${what}`, () => {
      if (!this.#isMember()) throw new Error('The group is rebalancing, so a rejoin is needed')
      for (const due of offsets) this.#group().committed.set(nameOf(due), due.offset)
    })
  }

  async listCommittedOffsets({ topics }: { topics: Owned[] }): Promise<Map<string, bigint[]>> {
    return this.kafka.scheduler.call(this.instance, 'read offsets', () => {
      const { committed } = this.#group()
      return new Map(
        topics.map(({ topic }) => [
          topic,
          this.kafka.log(topic).map((_, partition) => committed.get(nameOf({ topic, partition })) ?? -1n),
        ]),
      )
    })
  }

  async close(): Promise<void> {
    this.isClosed = true
    this.#group().leave(this)
    this.kafka.changed()
  }

  #group = () => this.kafka.group(this.#groupId, this.#topics)
  #isMember = () => this.#generation === this.#group().generation && this.#group().members.includes(this)

  /** Its heartbeats tell it, some time, that the group has gone on. */
  async #stay(): Promise<void> {
    while (!this.isClosed) {
      if (this.#isMember()) await this.kafka.change()
      else {
        try {
          await this.#join()
        } catch (error) {
          if (!this.isClosed) this.#listeners.get('error')?.(error)
          return
        }
      }
    }
  }

  async #join(): Promise<void> {
    await this.#beforeJoining()
    await this.kafka.scheduler.call(this.instance, 'join group', () => {
      // Its sockets were closed meanwhile.
      if (this.isClosed) throw new Error('closed')
      this.#group().join(this)
      this.#generation = this.#group().generation
      this.memberId = this.instance.name
      this.assignments = this.#group().partitionsOf(this)
    })
    this.#listeners.get('consumer:group:join')?.()
  }
}
