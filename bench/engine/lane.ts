import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { openKafka } from 'messaging/platformatic-transport'
import type { Subscriber } from 'messaging/transport'
import pg from 'pg'
import type { BenchDatabase, Servers } from '../harness/servers.ts'
import { sharedClockMs, startWorker, type Worker } from '../harness/worker.ts'
import { quiet } from './quiet.ts'
import { eventOf, type OpenRelay, partitions, type RelayUnderTest } from './relay-under-test.ts'
import type { WriterQuestions } from './writer-process.ts'

const pollMs = 20
const arriveMsMax = 60_000
const sessionsEndMsMax = 2_000
const fillTransactionRows = 1_000

/** What publishing cost beside the events themselves. */
export type Footprint = {
  walBytes: number
  /** In the tables that took the events. */
  deadEvents: number
  /** In all others, such as that of a cursor. */
  deadOthers: number
}

/** One relay with a database and a topic of its own, and the workload that all relays get. */
export class Lane {
  readonly #relay: RelayUnderTest
  readonly #open: OpenRelay
  readonly #writer: Worker<WriterQuestions>
  readonly #admin: Admin
  readonly #topic: string
  readonly #servers: Servers
  readonly database: BenchDatabase
  #appended = 0

  static async open(servers: Servers, relay: RelayUnderTest): Promise<Lane> {
    const database = await servers.database(relay.migrations)
    const { brokers } = servers.kafka
    const topic = `bench-${randomBytes(6).toString('hex')}`
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions }] })
    const open = await relay.open({ database: database.address, brokers, topic, servers })
    const writer = await startWorker<WriterQuestions>(new URL('./writer-process.ts', import.meta.url))
    return new Lane({ relay, open, writer, admin, topic, servers, database })
  }

  private constructor(parts: {
    relay: RelayUnderTest
    open: OpenRelay
    writer: Worker<WriterQuestions>
    admin: Admin
    topic: string
    servers: Servers
    database: BenchDatabase
  }) {
    this.#relay = parts.relay
    this.#open = parts.open
    this.#writer = parts.writer
    this.#admin = parts.admin
    this.#topic = parts.topic
    this.#servers = parts.servers
    this.database = parts.database
  }

  get name(): string {
    return this.#relay.name
  }

  start(): Promise<void> {
    return this.#open.start()
  }

  stop(): Promise<void> {
    return this.#open.stop()
  }

  /** Publishes all there is. */
  async catchUp(): Promise<void> {
    await this.start()
    await this.#untilPublished(this.#appended)
    await this.stop()
  }

  /** Rows a second of a backlog that was there before the relay started; from the first one seen to the last. */
  async drain(rows: number): Promise<number> {
    await this.fill(rows)
    const before = await this.#published()
    await this.start()
    const first = await this.#untilPublished(before + 1)
    const last = await this.#untilPublished(before + rows)
    await this.stop()
    return ((last.published - first.published) * 1000) / (last.atMs - first.atMs)
  }

  /** Committed by a thousand. */
  async fill(rows: number): Promise<void> {
    const client = new pg.Client(this.database.address)
    await client.connect()
    for (let done = 0; done < rows; done += fillTransactionRows) {
      const upTo = Math.min(rows, done + fillTransactionRows)
      await client.query({
        name: 'fill',
        text: this.#relay.fillSql,
        values: [this.#appended + done, this.#appended + upTo - 1, this.#topic],
      })
    }
    await client.end()
    this.#appended += rows
  }

  /** Milliseconds from each commit, as its writer saw it, to the consumer; in the order of the commits. Start it first. */
  async latencies(perSecond: number, seconds: number): Promise<number[]> {
    const first = this.#appended
    const count = Math.round(perSecond * seconds)
    const arrivedAtMs = new Float64Array(count)
    let arrived = 0
    const subscriber = await this.#subscribe(event => {
      const index = event - first
      if (index < 0 || arrivedAtMs[index] !== 0) return
      arrivedAtMs[index] = sharedClockMs()
      arrived++
    })
    try {
      const { committedAtMs } = await this.append(perSecond, seconds)
      await until(
        async () => arrived >= count,
        `${count - arrived} of ${count} events of ${this.#relay.name}`,
      )
      return Array.from(arrivedAtMs, (at, index) => at - committedAtMs[index]!)
    } finally {
      await subscriber.close()
    }
  }

  /** Bytes of WAL and dead rows of appending and publishing at this rate, for each event. */
  async footprint(perSecond: number, seconds: number, withRelay: boolean): Promise<Footprint> {
    await this.#stopVacuum()
    const before = await this.#counters()
    const published = await this.#published()
    if (withRelay) await this.start()
    await this.append(perSecond, seconds)
    const count = Math.round(perSecond * seconds)
    if (withRelay) {
      await this.#untilPublished(published + count)
      await this.stop()
    }
    await this.#sessionsEnded()
    const after = await this.#counters()
    const since = [...after.dead].map(([table, now]) => {
      const then = before.dead.get(table) ?? { dead: 0, inserted: 0 }
      return { dead: now.dead - then.dead, inserted: now.inserted - then.inserted }
    })
    const sum = (tables: typeof since) => tables.reduce((total, { dead }) => total + dead, 0) / count
    return {
      walBytes: (after.wal - before.wal) / count,
      deadEvents: sum(since.filter(({ inserted }) => inserted >= count)),
      deadOthers: sum(since.filter(({ inserted }) => inserted < count)),
    }
  }

  async append(perSecond: number, seconds: number) {
    const order = {
      database: this.database.address,
      sql: this.#relay.appendSql,
      topic: this.#topic,
      perSecond,
      seconds,
      first: this.#appended,
    }
    this.#appended += Math.round(perSecond * seconds)
    return this.#open.append ? this.#open.append(order) : this.#writer.ask('append', order)
  }

  async close(): Promise<void> {
    await this.#open.close()
    await this.#writer.stop()
    await this.#admin.deleteTopics({ topics: [this.#topic] })
    await this.#admin.disconnect()
    await this.database.drop()
  }

  async #published(): Promise<number> {
    const offsets = await this.#admin.fetchTopicOffsets(this.#topic)
    return offsets.reduce((sum, { high }) => sum + Number(high), 0)
  }

  async #untilPublished(wanted: number): Promise<{ published: number; atMs: number }> {
    let published = 0
    await until(
      async () => {
        published = await this.#published()
        return published >= wanted
      },
      `message ${wanted} of ${this.#relay.name}`,
      () => published,
    )
    return { published, atMs: sharedClockMs() }
  }

  /** The same consumer for every relay, and at its end of the topic before it returns. */
  async #subscribe(onEvent: (event: number) => void): Promise<Subscriber> {
    const { brokers } = this.#servers.kafka
    const transport = openKafka({ brokers, clientId: 'bench-consumer', log: quiet })
    const groupId = `${this.#topic}-${randomBytes(4).toString('hex')}`
    const ends = await this.#admin.fetchTopicOffsets(this.#topic)
    await this.#admin.setOffsets({
      groupId,
      topic: this.#topic,
      partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
    })
    const subscriber = await transport.subscribe({
      groupId,
      topics: [this.#topic],
      batchSizeMax: 1_000,
      offsetCommitIntervalMs: 1_000,
      async onBatch(messages) {
        for (const { value } of messages) onEvent(eventOf(value))
      },
    })
    await until(async () => subscriber.isRunning(), 'the consumer')
    return {
      isRunning: () => subscriber.isRunning(),
      async close() {
        await subscriber.close()
        await transport.close()
      },
    }
  }

  /** PostgreSQL counts what a session did when it ends, at the latest. Those of relays that keep theirs are not waited for. */
  async #sessionsEnded(): Promise<void> {
    const deadline = Date.now() + sessionsEndMsMax
    const others = (client: pg.Client) =>
      client.query('select from pg_stat_activity where datname = $1', [this.database.address.database])
    await this.#servers.asSuperuser(async client => {
      while ((await others(client)).rowCount !== 0 && Date.now() < deadline) await sleep(pollMs)
    })
  }

  async #counters(): Promise<{ wal: number; dead: Map<string, { dead: number; inserted: number }> }> {
    return this.#servers.asSuperuser(async client => {
      const { rows } = await client.query(
        "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal",
      )
      const tables = await client.query(
        'select relname, (n_tup_upd + n_tup_del)::float8 as dead, n_tup_ins::float8 as inserted from pg_stat_user_tables',
      )
      return { wal: rows[0].wal, dead: new Map(tables.rows.map(row => [row.relname, row])) }
    }, this.database.address.database)
  }

  /** Vacuum writes WAL, too, whenever it pleases. */
  async #stopVacuum(): Promise<void> {
    await this.#servers.asSuperuser(async client => {
      const { rows } = await client.query(
        "select relid::regclass::text as name from pg_stat_user_tables join pg_class on oid = relid where relkind = 'r'",
      )
      for (const { name } of rows) await client.query(`alter table ${name} set (autovacuum_enabled = off)`)
    }, this.database.address.database)
  }
}

/** Throws where nothing comes of it for a minute; `progress` says how far it is. */
async function until(condition: () => Promise<boolean>, what: string, progress = () => 0): Promise<void> {
  let deadline = Date.now() + arriveMsMax
  for (let reached = progress(); !(await condition()); reached = progress()) {
    if (progress() > reached) deadline = Date.now() + arriveMsMax
    if (Date.now() > deadline) throw new Error(`Waited ${arriveMsMax / 1000} s for ${what}, in vain.`)
    await sleep(pollMs)
  }
}
