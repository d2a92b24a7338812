import type { DatabaseAddress } from 'migrations/migrate'
import pg from 'pg'
import { answerQuestions } from '../harness/worker.ts'
import { oneOrderSql } from './pgbench.ts'

const questions = {
  async insert(
    database: DatabaseAddress,
    { clients, seconds }: { clients: number; seconds: number },
  ): Promise<number> {
    const endsAt = performance.now() + seconds * 1000
    let inserted = 0
    const insertUntilEnd = async () => {
      const client = new pg.Client(database)
      await client.connect()
      while (performance.now() < endsAt) {
        await client.query({
          name: 'insert',
          text: oneOrderSql('$1::bigint'),
          values: [1 + (inserted % 1_000)],
        })
        inserted++
      }
      await client.end()
    }
    await Promise.all(Array.from({ length: clients }, insertUntilEnd))
    return inserted / seconds
  },
}
export type InsertQuestions = typeof questions
answerQuestions(questions)
