import { readOrderMessage } from 'edge/order-message'
import pg from 'pg'
import { injectedHeader } from '../nemesis/inject-messages.ts'
import type { Databases } from '../system/chaos-system.ts'
import { readTopics, type TopicMessage } from './read-topics.ts'
import type { FinalState, Message } from './state.ts'

const topicNames = {
  tasks: 'order_payment_tasks',
  results: 'payment_status_updates',
  statuses: 'order_status_updates',
} as const

/** Reads databases and topics past all of our services. Only what concerns these users, and the whole backlog. */
export async function readState(
  databases: Databases,
  brokers: string[],
  users: number[],
): Promise<FinalState> {
  const [orders, payments] = [new pg.Client(databases.orders), new pg.Client(databases.payments)]
  await Promise.all([orders.connect(), payments.connect()])
  try {
    const all = await readTopics(brokers, Object.values(topicNames))
    const messages = all.filter(({ message }) => message.headers?.[injectedHeader] === undefined)
    return {
      ...(await readRows(orders, payments, users)),
      topics: inOrder(messages),
      backlog: await readBacklog(orders, payments, messages),
    }
  } finally {
    await Promise.all([orders.end(), payments.end()])
  }
}

/** What the databases hold about these users. */
export async function readRows(
  orders: Pick<pg.Client, 'query'>,
  payments: Pick<pg.Client, 'query'>,
  users: number[],
): Promise<Omit<FinalState, 'topics' | 'backlog'>> {
  const rows = async <Row>(client: Pick<pg.Client, 'query'>, text: string) =>
    (await client.query(text, [users])).rows as Row[]
  return {
    orders: await rows(
      orders,
      `select id, user_id::float8 as user, amount_minor::text as amount, description as op, status, reason
       from orders where user_id = any($1::bigint[]) order by id`,
    ),
    payments: await rows(
      payments,
      `select order_id as order, user_id::float8 as user, amount_minor::text as amount, status, reason
       from payments where user_id = any($1::bigint[])`,
    ),
    accounts: await rows(
      payments,
      'select user_id::float8 as user, balance_minor::text as balance from accounts where user_id = any($1::bigint[])',
    ),
    ledger: await rows(
      payments,
      `select user_id::float8 as user, kind, amount_minor::text as amount,
              balance_after_minor::text as balance_after, order_id as order
       from ledger_entries where user_id = any($1::bigint[]) order by user_id, position`,
    ),
  }
}

export type HeardMessage = Pick<TopicMessage, 'topic' | 'partition'> & {
  message: Pick<TopicMessage['message'], 'headers' | 'value'>
}
/** The orders that messages speak of; what cannot be read is nobody's. */
export function inOrder(messages: HeardMessage[]): FinalState['topics'] {
  const of = (name: string) =>
    messages
      .filter(({ topic }) => topic === name)
      .flatMap(({ partition, message }): Message[] => {
        const read = readOrderMessage(message.value)
        if (!read.ok) return []
        const { orderId, userId, amountMinor, fields } = read.message
        const event = message.headers?.ce_id
        return [
          {
            partition,
            event: event === undefined ? null : String(event),
            order: orderId,
            user: userId,
            amount: String(amountMinor),
            status: typeof fields.status === 'string' ? fields.status : null,
          },
        ]
      })
  return { tasks: of(topicNames.tasks), results: of(topicNames.results), statuses: of(topicNames.statuses) }
}

/** Events that are in no topic, events of ours that no consumer knows, and letters that nobody has dealt with. */
async function readBacklog(
  orders: pg.Client,
  payments: pg.Client,
  messages: TopicMessage[],
): Promise<string[]> {
  const published = new Map<string, Set<string>>()
  for (const { topic, message } of messages) {
    const id = message.headers?.ce_id
    if (id === undefined) continue
    if (!published.has(topic)) published.set(topic, new Set())
    published.get(topic)?.add(String(id))
  }
  const backlog: string[] = []
  for (const [name, client] of [
    ['orders', orders],
    ['payments', payments],
  ] as const) {
    const { rows } = await client.query('select event_id, topic from outbox')
    const missing = rows.filter(({ event_id, topic }) => !published.get(topic)?.has(event_id))
    if (missing.length > 0) {
      backlog.push(`${missing.length} events of ${name} are in no topic, the first is ${missing[0].event_id}`)
    }
    const letters = await client.query(
      "select count(*)::int as n, min(reason) as reason from dead_letters where state in ('parked', 'waiting')",
    )
    const { n, reason } = letters.rows[0]
    if (n > 0) backlog.push(`${n} messages are put aside by ${name}: ${reason}`)
  }
  for (const [client, topic, consumer] of [
    [payments, topicNames.tasks, 'payments.debit'],
    [orders, topicNames.results, 'orders.settle'],
  ] as const) {
    const { rows } = await client.query('select event_id from inbox where consumer = $1', [consumer])
    const known = new Set(rows.map(({ event_id }) => event_id))
    const unknown = [...(published.get(topic) ?? [])].filter(id => !known.has(id))
    if (unknown.length > 0) {
      backlog.push(`${unknown.length} messages of ${topic} are not handled, the first is ${unknown[0]}`)
    }
  }
  return backlog
}

/** How many orders wait to be settled, and for how long the oldest has, by the database's own clock. */
export async function readUnsettled(
  database: Databases['orders'],
): Promise<{ count: number; oldestSeconds: number }> {
  const client = new pg.Client({ ...database, connectionTimeoutMillis: 2_000, query_timeout: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    // The outbox row's time is the database's; the order's own is of a clock that may have been shifted.
    const { rows } = await client.query(
      `select count(*)::int as count,
              coalesce(extract(epoch from clock_timestamp() - min(x.created_at)), 0)::float8 as "oldestSeconds"
       from orders o left join outbox x on x.aggregate_id = o.id::text and x.topic = $1
       where o.status in ('NEW', 'PENDING_PAYMENT')`,
      [topicNames.tasks],
    )
    return rows[0]
  } finally {
    await client.end().catch(() => undefined)
  }
}
