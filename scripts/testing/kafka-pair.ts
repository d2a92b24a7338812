import { freePort } from '../infrastructure/ports.ts'
import { startEmbeddedKafka, type TestKafka } from './servers.ts'

/** One cluster of two brokers: the first, with id 1, is its controller too; the second, with id 2, may be killed. */
export type KafkaPair = { first: TestKafka; second: TestKafka }

/** Started and ready. What each group has committed is on both, so that either can coordinate it. */
export async function startKafkaPair(): Promise<KafkaPair> {
  const controller = `127.0.0.1:${await freePort()}`
  const both = { 'controller.quorum.voters': `1@${controller}`, 'offsets.topic.replication.factor': '2' }
  const clientsOf = ({ listeners }: Record<string, string>) => listeners!.split(',')[0]!
  const first = await startEmbeddedKafka({
    moreProperties: properties => ({
      ...both,
      listeners: `${clientsOf(properties)},CONTROLLER://${controller}`,
    }),
  })
  try {
    const second = await startEmbeddedKafka({
      moreProperties: properties => ({
        ...both,
        'process.roles': 'broker',
        'node.id': '2',
        listeners: clientsOf(properties),
      }),
    })
    return { first, second }
  } catch (error) {
    await first.remove()
    throw error
  }
}
