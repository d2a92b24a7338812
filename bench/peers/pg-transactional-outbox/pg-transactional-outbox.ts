import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'scripts/infrastructure/run-command'
import { keySql, payloadSql, type RelayUnderTest } from '../../engine/relay-under-test.ts'
import { inAProcess } from '../in-a-process.ts'

/** `tuned` and `segmented` are what does best here; the others, the values of its README. */
export type Variant = 'polling' | 'polling, tuned' | 'replication' | 'replication, segmented'

const module = new URL('./relay.mjs', import.meta.url)
const insert = 'insert into peer_outbox (id, aggregate_type, aggregate_id, message_type, segment, payload)'

/** The package of that name, on the tables that it makes. */
export const pgTransactionalOutbox = (variant: Variant): RelayUnderTest => ({
  name: `pg-transactional-outbox, ${variant}`,
  migrations: 'messaging',
  appendSql: `${insert} values (gen_random_uuid(), $3, $1, 'parcel.scanned', $1, $2)`,
  fillSql: `${insert} select gen_random_uuid(), $3, ${keySql('n')}, 'parcel.scanned', ${keySql('n')}, ${payloadSql('n')}::jsonb
    from generate_series($1::int, $2::int) n`,
  async open(place) {
    await install()
    const { user, database } = place.database
    const statements: string[] = (await import(module.href)).setUp(variant, database, user)
    await place.servers.asSuperuser(async client => {
      for (const statement of statements) await client.query(statement)
    }, database)
    return inAProcess(module, place, variant)
  },
})

/** It is no part of the product: fetched when it is first asked for. */
async function install(): Promise<void> {
  const folder = import.meta.dirname
  if (existsSync(join(folder, 'node_modules'))) return
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
}
