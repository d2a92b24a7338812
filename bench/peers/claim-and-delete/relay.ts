import { setTimeout as sleep } from 'node:timers/promises'
import { openKafka } from 'messaging/platformatic-transport'
import type { Transport } from 'messaging/transport'
import pg from 'pg'
import { quiet } from '../../engine/quiet.ts'
import { answerQuestions } from '../../harness/worker.ts'
import type { RelayQuestions } from '../in-a-process.ts'

const pollMs = 10
const claim = `
  delete from claimed_outbox where id = any (array(
    select id from claimed_outbox order by id limit 1000 for update skip locked))
  returning id::float8, topic, key, payload::text as value`

type Row = { id: number; topic: string; key: string; value: string }

let transport: Transport | undefined
let running: { stopping: AbortController; ended: Promise<void> } | undefined

/** How many were published. */
async function relayOnce(client: pg.Client, publish: Transport['publish']): Promise<number> {
  await client.query('begin')
  const { rows } = await client.query<Row>({ name: 'claim', text: claim })
  // A delete returns them in any order.
  rows.sort((a, b) => a.id - b.id)
  if (rows.length > 0)
    await publish(rows.map(({ topic, key, value }) => ({ topic, key, value, headers: {} })))
  await client.query('commit')
  return rows.length
}

const questions: RelayQuestions = {
  async start({ database, brokers }) {
    transport ??= openKafka({ brokers, clientId: 'claim-and-delete', log: quiet })
    const { publish } = transport
    const client = new pg.Client(database)
    await client.connect()
    const stopping = new AbortController()
    const run = async () => {
      while (!stopping.signal.aborted) if ((await relayOnce(client, publish)) === 0) await sleep(pollMs)
      await client.end()
    }
    running = { stopping, ended: run() }
  },
  async stop() {
    running?.stopping.abort()
    await running?.ended
  },
}
answerQuestions(questions, async () => {
  await questions.stop()
  await transport?.close()
})
