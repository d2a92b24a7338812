import pg from 'pg'
import { nodeFlags } from 'scripts/system/services'
import type { KafkaForBench, Servers } from '../harness/servers.ts'
import { startWorker } from '../harness/worker.ts'
import type { BareChainQuestions } from './bare-chain-process.ts'

/** An order's three services as bare as they can be, each a process with the flags of ours: what its hops take here. */
export async function openBareChain(servers: Servers, { brokers }: KafkaForBench) {
  const database = await servers.database('orders')
  const address = { brokers, database: database.address.owner }
  const start = () =>
    startWorker<BareChainQuestions>(new URL('./bare-chain-process.ts', import.meta.url), nodeFlags)
  const [orders, payments, gateway] = await Promise.all([start(), start(), start()])
  const ordersUrl = await orders.ask('beOrders', address)
  await payments.ask('bePayments', address)
  const pool = new pg.Pool({ ...address.database, max: 1 })
  return {
    database: pool,
    table: 'placed' as const,
    url: await gateway.ask('beGateway', brokers, ordersUrl),
    async close() {
      await Promise.all([orders, payments, gateway].map(worker => worker.stop()))
      await pool.end()
      await database.drop()
    },
  }
}
