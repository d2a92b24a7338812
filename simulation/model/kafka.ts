import type { OutgoingMessage } from '../../messaging/src/transport.ts'
import type { Instance, Scheduler } from '../scheduler.ts'
import { Group } from './consumer-group.ts'

const partitions = 2

export type Stored = { offset: number; key: string | null; value: string; headers: Record<string, string> }

/** A model of the broker: topics are logs, a partition's messages stay in the order they were stored in. */
export class ModelKafka {
  readonly scheduler: Scheduler
  readonly topics = new Map<string, Stored[][]>()
  readonly #groups = new Map<string, Group>()
  #waiting: (() => void)[] = []

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler
  }

  log(topic: string): Stored[][] {
    const log = this.topics.get(topic) ?? Array.from({ length: partitions }, (): Stored[] => [])
    this.topics.set(topic, log)
    return log
  }

  group(groupId: string, topics: string[]): Group {
    const group = this.#groups.get(groupId) ?? new Group(this, topics)
    this.#groups.set(groupId, group)
    return group
  }
  groups = () => [...this.#groups.values()]

  /** Each partition is a request of its own: some may be stored when another breaks. */
  async publish(by: Instance, messages: OutgoingMessage[]): Promise<void> {
    const byPartition = Map.groupBy(messages, ({ topic, key }) => `${topic} ${partitionOf(key)}`)
    await Promise.all(
      [...byPartition].map(([place, of]) =>
        this.scheduler.call(by, `publish ${of.map(({ headers }) => headers.ce_id)} to ${place}`, () => {
          for (const message of of) this.store(message)
        }),
      ),
    )
  }

  store({ topic, key, value, headers }: OutgoingMessage): void {
    const log = this.log(topic)[partitionOf(key)] as Stored[]
    log.push({ offset: log.length, key, value, headers })
    this.changed()
  }

  /** Until something was stored, or somebody joined or left. */
  change(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

const partitionOf = (key: string | null) => (key === null ? 0 : key.charCodeAt(key.length - 1) % partitions)
