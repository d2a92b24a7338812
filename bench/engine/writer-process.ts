import pg from 'pg'
import { answerQuestions } from '../harness/worker.ts'
import { appendEvents } from './append-events.ts'
import {
  type Appended,
  type AppendOrder,
  connectAll,
  keyOf,
  payloadOf,
  writersConnections,
} from './relay-under-test.ts'

/** Writes, and knows of no relay. Its sessions end with it, so that PostgreSQL's counters are complete. */
async function append(order: AppendOrder): Promise<Appended> {
  const pool = new pg.Pool({ ...order.database, max: writersConnections })
  try {
    await connectAll(pool)
    return await appendEvents(order, event =>
      pool.query({
        name: 'append',
        text: order.sql,
        values: [keyOf(event), payloadOf(event), order.topic],
      }),
    )
  } finally {
    await pool.end()
  }
}

const questions = { append }
export type WriterQuestions = typeof questions
answerQuestions(questions)
