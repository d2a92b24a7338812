import { rate } from '../harness/results.ts'
import type { Bench, Scenario } from '../harness/section.ts'
import { insertWithPg } from './insert-with-pg.ts'
import { hasPgbench, runPgbench } from './pgbench.ts'

export type Inserts = { scenario(clients: number): Scenario; close(): Promise<void> }

/** One order row and one outbox row a transaction, and nothing else, in a database of its own. */
export async function openInserts(bench: Bench): Promise<Inserts> {
  const database = await bench.servers.database('orders')
  const seconds = bench.choose({ quick: 2, usual: 5 })
  const folder = bench.servers.logFolder
  const isPgbench = await hasPgbench()
  if (!isPgbench) {
    bench.note(
      'pgbench is not installed (Debian and Ubuntu: postgresql-contrib); a process of Node stood in for it.',
    )
  }
  const insert = isPgbench ? runPgbench : insertWithPg
  return {
    scenario: clients => ({
      name: `${isPgbench ? 'pgbench' : 'Node with pg'}, one order a transaction, ${clients} connections`,
      figures: { rate: rate('orders/s') },
      once: async () => ({ rate: await insert(database.address, { clients, seconds, folder }) }),
    }),
    close: () => database.drop(),
  }
}
