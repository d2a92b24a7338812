import type { Section } from '../harness/section.ts'
import { measureRelays } from './measure-relays.ts'
import { ownRelay } from './own-relay.ts'

export const engine: Section = {
  name: 'engine',
  about: 'The engine alone: outbox to Kafka and Kafka to inbox, without HTTP, orders or money.',
  async run(bench) {
    await measureRelays(bench, [ownRelay])
  },
}
