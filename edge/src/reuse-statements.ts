import { createHash } from 'node:crypto'
import type { PoolClient } from 'pg'

type Query = (config: unknown, ...rest: unknown[]) => unknown

const names = new Map<string, string>()

/**
 * Has each connection parse and plan a statement once: those with parameters are named after their text (SHA-1).
 * Of 6.4 s that PostgreSQL worked for 800 orders placed one by one, 2 s were for parsing and planning the same
 * dozen statements again. Our statements take arrays, so that there are few texts, whatever the size of a batch.
 * PgBouncer needs 1.21 or newer for it, with max_prepared_statements above 0.
 */
export function reuseStatements(client: PoolClient): void {
  const query = client.query.bind(client) as Query
  const reusing = (text: unknown, values: unknown, ...rest: unknown[]) =>
    typeof text === 'string' && Array.isArray(values) && values.length > 0
      ? query({ name: nameOf(text), text, values }, ...rest)
      : query(text, values, ...rest)
  client.query = reusing as typeof client.query
}

function nameOf(text: string): string {
  const known = names.get(text)
  if (known !== undefined) return known
  const name = createHash('sha1').update(text).digest('hex')
  names.set(text, name)
  return name
}
