import { openKafka } from 'messaging/kafkajs-transport'
import { type RunningRelay, startRelay } from 'messaging/relay'
import type { DatabaseAddress } from 'migrations/migrate'
import pg from 'pg'
import { answerQuestions } from '../harness/worker.ts'
import { appendEvents } from './append-events.ts'
import { quiet } from './quiet.ts'
import type { AppendOrder } from './relay-under-test.ts'

/** A service as the engine wants it: whoever appends wakes the relay of the same process after the commit. */
let relay: RunningRelay | undefined
let pool: pg.Pool | undefined
let transport: ReturnType<typeof openKafka> | undefined

async function start(database: DatabaseAddress, brokers: string[]): Promise<void> {
  transport ??= openKafka({ brokers, clientId: 'bench-relay', log: quiet })
  pool = new pg.Pool({ ...database, max: 4 })
  relay = startRelay({ pool, transport, source: '/bench', log: quiet })
}

/** Its sessions end, so that PostgreSQL's counters are complete. */
async function stop(): Promise<void> {
  await relay?.stop()
  await pool?.end()
  relay = undefined
  pool = undefined
}

const questions = {
  start,
  stop,
  append: (order: AppendOrder) => appendEvents(order, () => relay?.wake()),
}
export type OwnRelayQuestions = typeof questions

answerQuestions(questions, async () => {
  await stop()
  await transport?.close()
})
