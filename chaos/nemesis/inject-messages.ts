import { Kafka, logLevel, type Message } from 'kafkajs'
import { readTopics, type TopicMessage } from '../checker/read-topics.ts'
import type { Draw } from '../random.ts'
import type { PlannedFault } from './plan.ts'

/** On messages that contradict what we have decided: no service sends them, so the checker leaves them out. */
export const injectedHeader = 'x-injected-by-chaos'

/** Sends old messages of the topic again. */
export async function redeliver(
  brokers: string[],
  { topic, count, withHeaders }: Extract<PlannedFault, { kind: 'redeliver' }>,
  draw: Draw,
): Promise<void> {
  const old = (await readTopics(brokers, [topic])).filter(({ message }) => message.headers?.ce_id)
  if (old.length === 0) return
  const chosen = Array.from({ length: count }, () => draw.pick(old).message)
  await send(
    brokers,
    topic,
    chosen.map(({ key, value, headers = {} }) => ({ key, value, headers: withHeaders ? headers : {} })),
  )
}

/** Bytes that nobody can read, under the key of a customer; or a result that says the opposite of one there is. */
export async function poison(
  brokers: string[],
  { topic, what }: Extract<PlannedFault, { kind: 'poison' }>,
  users: number[],
  draw: Draw,
): Promise<void> {
  const key = String(draw.pick(users))
  if (what === 'contradiction' && topic === 'payment_status_updates') {
    // Of an order that is settled for certain: its status has been published.
    const settled = new Set(
      (await readTopics(brokers, ['order_status_updates'])).map(({ message }) => orderIn(message)),
    )
    const results = (await readTopics(brokers, [topic])).filter(({ message }) =>
      settled.has(orderIn(message)),
    )
    if (results.length > 0) return send(brokers, topic, [contradict(draw.pick(results))])
  }
  const value = draw.pick([Buffer.from([0xff, 0xfe]), Buffer.from('{'), Buffer.from('{"order_id":1}'), null])
  return send(brokers, topic, [{ key, value, headers: { [injectedHeader]: 'poison' } }])
}

const orderIn = ({ value }: Pick<Message, 'value'>): string | undefined => {
  try {
    return JSON.parse(String(value)).order_id
  } catch {
    return undefined
  }
}

function contradict({ message }: TopicMessage): Message {
  const result = JSON.parse(String(message.value))
  result.status = result.status === 'SUCCESS' ? 'FAILED' : 'SUCCESS'
  return {
    key: message.key,
    value: JSON.stringify(result),
    headers: {
      ce_id: `contradiction-${message.offset}-${result.order_id}`,
      [injectedHeader]: 'contradiction',
    },
  }
}

async function send(brokers: string[], topic: string, messages: Message[]): Promise<void> {
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer({
    allowAutoTopicCreation: false,
  })
  await producer.connect()
  try {
    await producer.send({ topic, messages })
  } finally {
    await producer.disconnect()
  }
}
