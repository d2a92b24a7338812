import { readers } from './consumers.ts'
import { type Topic, topics } from './messages.ts'

const text = (description: string, more: object = {}) => ({ type: 'string', description, ...more })

/** CloudEvents 1.0 in Kafka's binary mode. Messages of other programs may come without any. */
const CloudEventsHeaders = {
  type: 'object',
  description: 'CloudEvents 1.0, binary content mode. Other programs may leave all of them out.',
  properties: {
    ce_specversion: text('', { const: '1.0' }),
    ce_id: text('What the message is known by: it has its effect once', { maxLength: 255 }),
    ce_type: text('What happened'),
    ce_source: text('Who says so', { examples: ['/orders-service'] }),
    ce_time: text('When', { format: 'date-time' }),
    ce_subject: text('The order', { format: 'uuid' }),
    'content-type': text('', { const: 'application/json' }),
    traceparent: text('W3C trace context of the request that the order came with'),
  },
}

/** The topics as an AsyncAPI 3 document, made of the schemas that the code publishes by. Pure. */
export function asyncApiDocument() {
  const names = Object.keys(topics) as Topic[]
  const each = <Value>(make: (name: Topic) => Value) =>
    Object.fromEntries(names.map(name => [name, make(name)])) as Record<Topic, Value>
  const consumersOf = (name: Topic) =>
    readers.filter(({ topic }) => topic === name).map(({ consumer }) => consumer)
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Order payments: topics',
      version: '0.1.0',
      description:
        'What the services tell each other, and others, through Kafka. Delivered at least once, in order per key; ce_id tells repetitions. Readers ignore fields that they do not know; these schemas only gain optional ones.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    defaultContentType: 'application/json',
    channels: each(name => ({
      address: name,
      description: `${topics[name].about} From ${topics[name].from} to ${consumersOf(name).join(', ')}.`,
      messages: { [name]: { $ref: `#/components/messages/${name}` } },
      bindings: { kafka: { topic: name, partitions: 6 } },
    })),
    operations: each(name => ({
      action: 'send',
      channel: { $ref: `#/channels/${name}` },
      summary: `${topics[name].from} sends it`,
      messages: [{ $ref: `#/channels/${name}/messages/${name}` }],
    })),
    components: {
      messages: each(name => ({
        name,
        summary: topics[name].about,
        contentType: 'application/json',
        headers: {
          ...CloudEventsHeaders,
          properties: {
            ...CloudEventsHeaders.properties,
            ce_type: { ...CloudEventsHeaders.properties.ce_type, enum: topics[name].events },
          },
        },
        payload: topics[name].payload,
        bindings: { kafka: { key: text('The user id, so that one user’s messages keep their order') } },
      })),
    },
  }
}
