import { testDatabase } from 'scripts/test-infrastructure'
import { expect, test } from 'vitest'
import { openPool } from './postgres.ts'

test('a connection parses a statement with parameters once, and answers right each time', async () => {
  const address = await testDatabase('messaging')
  const pool = openPool(address, 'test', 1)
  for (let i = 1; i <= 8; i++) {
    const { rows } = await pool.query('select unnest($1::bigint[]) as n', [[i, i + 1]])
    expect(rows).toEqual([{ n: BigInt(i) }, { n: BigInt(i + 1) }])
  }
  await pool.query('select 1 as plain')
  const { rows } = await pool.query(
    'select statement, (generic_plans + custom_plans)::int as runs from pg_prepared_statements order by prepare_time',
  )
  expect(rows).toEqual([{ statement: 'select unnest($1::bigint[]) as n', runs: 8 }])
  await pool.end()
  await address.drop()
})
