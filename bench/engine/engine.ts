import type { Section } from '../harness/section.ts'
import { measureHeldTransaction } from './held-transaction.ts'
import { measureInbox } from './inbox-rate.ts'
import { measureRelays } from './measure-relays.ts'
import { ownRelay } from './own-relay.ts'
import { measurePublishedRows } from './published-rows.ts'

export const engine: Section = {
  name: 'engine',
  about: 'The engine alone: outbox to Kafka and Kafka to inbox, without HTTP, orders or money.',
  async run(bench) {
    await measureRelays(bench, [ownRelay])
    await measurePublishedRows(bench, ownRelay)
    await measureHeldTransaction(bench, ownRelay)
    await measureInbox(bench)
  },
}
