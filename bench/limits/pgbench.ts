import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseAddress } from 'migrations/migrate'
import { run } from 'scripts/infrastructure/run-command'

/** The rows of one order and its event, as orders-service writes them, in one statement and one transaction. */
export const oneOrderSql = (user: string) => `
with placed as (
  insert into orders (id, user_id, amount_minor, description, status, created_at, updated_at)
  values (uuidv7(), ${user}, 1050, 'Two books', 'NEW', now(), now())
  returning id, user_id
)
insert into outbox (event_id, aggregate_type, aggregate_id, event_type, topic, key, payload)
select uuidv7(), 'order', id, 'OrderPlaced', 'order_payment_tasks', user_id,
       json_build_object('order_id', id, 'user_id', user_id, 'amount', 10.5, 'description', 'Two books')
from placed`

/** Transactions a second of `clients` connections, by pgbench's own count. */
export async function runPgbench(
  database: DatabaseAddress,
  { clients, seconds, folder }: { clients: number; seconds: number; folder: string },
): Promise<number> {
  const script = join(folder, `${database.database}.pgbench`)
  writeFileSync(script, `\\set user random(1, 1000)\n${oneOrderSql(':user').replaceAll('\n', ' ')};\n`)
  const { host, port, user, password } = database
  try {
    const output = await run(
      'pgbench',
      [
        '--no-vacuum',
        '--protocol=prepared',
        `--client=${clients}`,
        `--time=${seconds}`,
        `--file=${script}`,
        ...['--host', host, '--port', String(port), '--username', user, database.database],
      ],
      { env: { ...process.env, PGPASSWORD: password } },
    )
    const tps = /^tps = ([\d.]+)/m.exec(output)?.[1]
    if (!tps) throw new Error(`pgbench named no rate: ${output}`)
    return Number(tps)
  } finally {
    rmSync(script, { force: true })
  }
}

export async function hasPgbench(): Promise<boolean> {
  try {
    await run('pgbench', ['--version'])
    return true
  } catch {
    return false
  }
}
