import { rate } from '../harness/results.ts'
import type { Bench, Section } from '../harness/section.ts'
import { hasPgbench, runPgbench } from './pgbench.ts'

export const limits: Section = {
  name: 'limits',
  about: 'What PostgreSQL, Kafka and an HTTP server do on this machine when they do nothing else.',
  async run(bench) {
    await measureInserts(bench)
  },
}

async function measureInserts(bench: Bench): Promise<void> {
  if (!(await hasPgbench())) {
    bench.note('pgbench is not installed (Debian and Ubuntu: postgresql-contrib), so its rate is missing.')
    return
  }
  const database = await bench.servers.database('orders')
  const seconds = bench.choose({ quick: 2, usual: 5 })
  const folder = bench.servers.logFolder
  const once = (clients: number) => async () => ({
    rate: await runPgbench(database.address, { clients, seconds, folder }),
  })
  await bench.measure(
    ...[1, 32].map(clients => ({
      name: `pgbench, one order a transaction, ${clients} connections`,
      figures: { rate: rate('orders/s') },
      once: once(clients),
    })),
  )
  await database.drop()
}
