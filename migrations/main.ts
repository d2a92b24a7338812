import { type DatabaseAddress, migrate } from './migrate.ts'

/** `node migrations/main.ts [orders|payments]`: brings both databases, or the one named, up to date. */
const wanted = process.argv[2]
if (wanted !== undefined && wanted !== 'orders' && wanted !== 'payments') {
  console.error(`There is no database "${wanted}" to migrate. Name orders or payments, or nothing for both.`)
  process.exit(2)
}

for (const set of ['orders', 'payments'] as const) {
  if (wanted !== undefined && wanted !== set) continue
  const address = addressFromEnvironment(set)
  try {
    const applied = await migrate(address, set)
    console.log(applied.length ? `${set}: applied ${applied.join(', ')}` : `${set}: up to date`)
  } catch (error) {
    const reason = error instanceof Error ? error.message || String(Object(error).code) : String(error)
    console.error(`${set}: not migrated (${address.host}:${address.port}/${address.database}). ${reason}`)
    process.exitCode = 1
  }
}

function addressFromEnvironment(set: 'orders' | 'payments'): DatabaseAddress {
  const variable = (name: string, fallback: string) =>
    process.env[`${set.toUpperCase()}_DB_${name}`] || fallback
  return {
    host: variable('HOST', '127.0.0.1'),
    port: Number(variable('PORT', '5432')),
    database: variable('NAME', set),
    user: variable('USER', set),
    password: variable('PASSWORD', set),
  }
}
