import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer, type RequestListener, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { openKafka } from 'messaging/platformatic-transport'
import type { IncomingMessage, Transport } from 'messaging/transport'
import type { DatabaseAddress } from 'migrations/migrate'
import pg from 'pg'
import { quiet } from '../engine/quiet.ts'
import { answerQuestions } from '../harness/worker.ts'

const topics = { placed: 'bare-placed', paid: 'bare-paid', settled: 'bare-settled' }
type BareOrder = { id: string; user_id: number; amount: number }
type Address = { brokers: string[]; database: DatabaseAddress }

/**
 * The hops of an order and nothing else: no outbox, no inbox, no lock, no check, no log. What it reaches is what
 * Node, PostgreSQL and Kafka take for three commits and three messages; and any failure loses or doubles an order.
 */
const questions = {
  /** Answers the URL at which orders are placed. */
  async beOrders({ brokers, database }: Address): Promise<string> {
    const transport = await connect(brokers, 'bare-orders')
    const db = new pg.Pool({ ...database, max: 4 })
    await db.query('create table placed (id uuid primary key, user_id bigint, amount float8, status text)')
    await subscribe(transport, topics.paid, async orders => {
      await db.query({
        name: 'settle',
        text: `update placed set status = 'FINISHED' where id = any ($1::uuid[])`,
        values: [orders.map(({ id }) => id)],
      })
      await publish(transport, topics.settled, orders)
    })
    return serve(async (request, response) => {
      const order: BareOrder = { ...JSON.parse(await text(request)), id: randomUUID() }
      await db.query({
        name: 'place',
        text: `insert into placed values ($1, $2, $3, 'NEW')`,
        values: [order.id, order.user_id, order.amount],
      })
      answer(response, 201, JSON.stringify({ ...order, status: 'NEW' }))
      await publish(transport, topics.placed, [order])
    })
  },

  async bePayments({ brokers, database }: Address): Promise<void> {
    const transport = await connect(brokers, 'bare-payments')
    const db = new pg.Pool({ ...database, max: 4 })
    await db.query('create table paid (id uuid primary key, user_id bigint, amount float8)')
    await subscribe(transport, topics.placed, async orders => {
      await db.query({
        name: 'pay',
        text: 'insert into paid select * from unnest($1::uuid[], $2::bigint[], $3::float8[])',
        values: [
          orders.map(({ id }) => id),
          orders.map(({ user_id }) => user_id),
          orders.map(({ amount }) => amount),
        ],
      })
      await publish(transport, topics.paid, orders)
    })
  },

  /** Answers the URL of the door, which has the stream of settled orders, too. */
  async beGateway(brokers: string[], ordersUrl: string): Promise<string> {
    const transport = await connect(brokers, 'bare-gateway')
    const streams = new Set<ServerResponse>()
    await transport.follow({
      topic: topics.settled,
      begin: partitions => new Map(partitions.map(({ partition, end }) => [partition, end])),
      onBatch(_partition, messages) {
        const events = read(messages).map(({ id }) => `data: {"order_id":"${id}"}\n\n`)
        for (const stream of streams) stream.write(events.join(''))
      },
    })
    const agent = new Agent({ keepAlive: true })
    return serve(async (incoming, response) => {
      if (incoming.url === '/orders/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        streams.add(response)
        response.once('close', () => streams.delete(response))
        return
      }
      const body = await text(incoming)
      const forwarded = request(`${ordersUrl}/orders`, { method: 'POST', agent }).end(body)
      const [answered] = await once(forwarded, 'response')
      answer(response, answered.statusCode, await text(answered))
    })
  },
}
export type BareChainQuestions = typeof questions
answerQuestions(questions)

async function connect(brokers: string[], clientId: string): Promise<Transport> {
  const transport = openKafka({ brokers, clientId, log: quiet })
  const settings = { partitions: 6, replication: 1, minInsyncReplicas: 1 }
  await transport.ensureTopics(Object.values(topics).map(topic => ({ topic, ...settings })))
  return transport
}

async function subscribe(
  transport: Transport,
  topic: string,
  handle: (orders: BareOrder[]) => Promise<void>,
) {
  const bounds = { batchSizeMax: 1_000, offsetCommitIntervalMs: 1_000 }
  const onBatch = (messages: IncomingMessage[]) => handle(read(messages))
  await transport.subscribe({ groupId: topic, topics: [topic], onBatch, ...bounds })
}

const publish = (transport: Transport, topic: string, orders: BareOrder[]) =>
  transport.publish(
    orders.map(order => ({ topic, key: String(order.user_id), value: JSON.stringify(order), headers: {} })),
  )

const read = (messages: IncomingMessage[]): BareOrder[] =>
  messages.map(({ value }) => JSON.parse(String(value)))

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
