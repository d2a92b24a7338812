import type { IncomingMessage, Transport } from 'messaging/transport'

/** Topic names are fixed in the shop: with this, many shops share a broker, each with topics and groups of its own. */
export function withPrefix(prefix: string, transport: Transport): Transport {
  const outside = (topic: string) => `${prefix}.${topic}`
  const inside = (topic: string) => topic.slice(prefix.length + 1)
  return {
    ...transport,
    publish: messages =>
      transport.publish(messages.map(message => ({ ...message, topic: outside(message.topic) }))),
    subscribe: subscription =>
      transport.subscribe({
        ...subscription,
        groupId: outside(subscription.groupId),
        topics: subscription.topics.map(outside),
        onBatch: (messages: IncomingMessage[], signal) =>
          subscription.onBatch(
            messages.map(message => ({ ...message, topic: inside(message.topic) })),
            signal,
          ),
      }),
    ensureTopics: topics =>
      transport.ensureTopics(topics.map(settings => ({ ...settings, topic: outside(settings.topic) }))),
  }
}
