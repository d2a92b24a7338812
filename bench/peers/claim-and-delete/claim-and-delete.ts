import { keySql, payloadSql, type RelayUnderTest } from '../../engine/relay-under-test.ts'
import { inAProcess } from '../in-a-process.ts'

/** The relay that is in every book: what is claimed is deleted, in a transaction that commits once the broker has it. */
export const claimAndDelete: RelayUnderTest = {
  name: 'claim and delete',
  migrations: 'messaging',
  appendSql: 'insert into claimed_outbox (topic, key, payload) values ($3, $1, $2)',
  fillSql: `insert into claimed_outbox (topic, key, payload)
    select $3, ${keySql('n')}, ${payloadSql('n')}::json from generate_series($1::int, $2::int) n`,
  async open(place) {
    const { user, database } = place.database
    await place.servers.asSuperuser(async client => {
      await client.query(
        `create table claimed_outbox (id bigint generated always as identity primary key, topic text not null,
           key text, payload json not null, created_at timestamptz not null default clock_timestamp())`,
      )
      await client.query(`alter table claimed_outbox owner to ${user}`)
    }, database)
    return inAProcess(new URL('./relay.ts', import.meta.url), place)
  },
}
