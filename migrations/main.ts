import { configOrExit } from 'edge/config'
import { databaseAddress, databaseConfig } from 'edge/postgres'
import { Type } from 'typebox'
import { migrate } from './migrate.ts'

/** `node migrations/main.ts [orders|payments]`: brings both databases, or the one named, up to date. */
const wanted = process.argv[2]
if (wanted !== undefined && wanted !== 'orders' && wanted !== 'payments') {
  console.error(`There is no database "${wanted}" to migrate. Name orders or payments, or nothing for both.`)
  process.exit(2)
}

const config = configOrExit(
  Type.Object({ ...databaseConfig('ORDERS', 'orders'), ...databaseConfig('PAYMENTS', 'payments') }),
)
for (const set of ['orders', 'payments'] as const) {
  if (wanted !== undefined && wanted !== set) continue
  const address = databaseAddress(config, set === 'orders' ? 'ORDERS' : 'PAYMENTS')
  try {
    const applied = await migrate(address, set)
    console.log(applied.length ? `${set}: applied ${applied.join(', ')}` : `${set}: up to date`)
  } catch (error) {
    const reason = error instanceof Error ? error.message || String(Object(error).code) : String(error)
    console.error(`${set}: not migrated (${address.host}:${address.port}/${address.database}). ${reason}`)
    process.exitCode = 1
  }
}
