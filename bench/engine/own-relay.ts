import { startWorker } from '../harness/worker.ts'
import type { OwnRelayQuestions } from './own-relay-process.ts'
import { keySql, payloadSql, type RelayUnderTest } from './relay-under-test.ts'

const insert = 'insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)'

export const ownRelay: RelayUnderTest = {
  name: 'ours',
  migrations: 'messaging',
  appendSql: `${insert} values ('parcel', $1, 'parcel.scanned', $3, $1, $2)`,
  fillSql: `${insert} select 'parcel', ${keySql('n')}, 'parcel.scanned', $3, ${keySql('n')}, ${payloadSql('n')}::json
    from generate_series($1::int, $2::int) n`,
  async open({ database, brokers }) {
    const worker = await startWorker<OwnRelayQuestions>(new URL('./own-relay-process.ts', import.meta.url))
    return {
      start: () => worker.ask('start', database, brokers),
      stop: () => worker.ask('stop'),
      append: order => worker.ask('append', order),
      close: () => worker.stop(),
    }
  },
}
