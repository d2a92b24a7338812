import { Kysely, PostgresDialect } from 'kysely'
import { startConsumer } from 'messaging/consume'
import { openKafka } from 'messaging/platformatic-transport'
import type { DatabaseAddress } from 'migrations/migrate'
import pg from 'pg'
import { answerQuestions, sharedClockMs } from '../harness/worker.ts'
import { quiet } from './quiet.ts'

export type Consumption = {
  database: DatabaseAddress
  brokers: string[]
  topic: string
  name: string
  count: number
}

const questions = {
  /** Consumes that many messages from the start of a topic; answers messages a second, the first batch aside. */
  async consume({ database, brokers, topic, name, count }: Consumption): Promise<number> {
    const pool = new pg.Pool({ ...database, max: 4 })
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
    const transport = openKafka({ brokers, clientId: 'bench-inbox', log: quiet })
    let received = 0
    let first: { atMs: number; received: number } | undefined
    const { promise: done, resolve } = Promise.withResolvers<number>()
    const consumer = startConsumer({
      db,
      transport,
      log: quiet,
      definition: {
        name,
        topics: [topic],
        decode({ value }) {
          received++
          return { ok: true, payload: JSON.parse(String(value)) }
        },
        handle: async () => undefined,
        afterCommit() {
          first ??= { atMs: sharedClockMs(), received }
          if (received >= count)
            resolve(((received - first.received) * 1000) / (sharedClockMs() - first.atMs))
        },
      },
    })
    const perSecond = await done
    await consumer.stop()
    await transport.close()
    await pool.end()
    return perSecond
  },
}
export type InboxQuestions = typeof questions
answerQuestions(questions)
