import { createHash } from 'node:crypto'
import { type Kysely, sql, type Transaction } from 'kysely'
import { Type } from 'typebox'
import { Problem } from './problem.ts'
import { visibleText } from './validation.ts'

export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(Type.String(visibleText)),
})

/** For the schema of an answer that may come from an earlier request. */
export const replayedHeader = {
  'Idempotency-Replayed': Type.String({ description: '`true` where this is the first answer again' }),
}

/** What a client's key stands for: `hash` tells the same request from another one. */
export type IdempotentRequest = { key: string; hash: Buffer }
export type Earlier<Answer> = { kind: 'replay'; answer: Answer } | { kind: 'reused' }

/** `parts` are the fields that make two requests the same, in a fixed order. */
export const idempotentRequest = (
  key: string | undefined,
  parts: unknown[],
): IdempotentRequest | undefined =>
  key === undefined ? undefined : { key, hash: createHash('sha256').update(JSON.stringify(parts)).digest() }

/**
 * Takes keys within the caller's transaction, in one statement, and answers which of them were free; they and
 * the answers stay exactly when the transaction commits. Waits for a transaction that is taking the same key.
 * Keys must be distinct; they are taken in sorted order so that two callers cannot deadlock.
 */
export async function takeIdempotencyKeys<DB>(
  trx: Transaction<DB>,
  operation: string,
  requests: { request: IdempotentRequest; answer: unknown }[],
): Promise<Set<string>> {
  const sorted = requests.toSorted((a, b) => (a.request.key < b.request.key ? -1 : 1))
  const { rows } = await sql<{ key: string }>`
    insert into idempotency_keys (operation, key, request_hash, response)
    select ${operation}, * from unnest(
      ${sorted.map(({ request }) => request.key)}::text[],
      ${sorted.map(({ request }) => request.hash)}::bytea[],
      ${sorted.map(({ answer }) => JSON.stringify(answer))}::json[])
    on conflict do nothing
    returning key`.execute(trx)
  return new Set(rows.map(({ key }) => key))
}

/**
 * What was answered earlier under each key that takeIdempotencyKeys did not get, in one statement and in the
 * order asked. Undefined for a key that retention removed between the two.
 */
export async function earlierAnswers<DB, Answer>(
  db: Kysely<DB>,
  operation: string,
  requests: IdempotentRequest[],
): Promise<(Earlier<Answer> | undefined)[]> {
  if (requests.length === 0) return []
  const { rows } = await sql<{ key: string; request_hash: Buffer; response: Answer }>`
    select key, request_hash, response from idempotency_keys
    where operation = ${operation} and key = any(${requests.map(({ key }) => key)}::text[])`.execute(db)
  const byKey = new Map(rows.map(row => [row.key, row]))
  return requests.map(({ key, hash }) => {
    const row = byKey.get(key)
    if (!row) return undefined
    return row.request_hash.equals(hash) ? { kind: 'replay', answer: row.response } : { kind: 'reused' }
  })
}

/** earlierAnswers of one. */
export async function earlierAnswer<DB, Answer>(
  db: Kysely<DB>,
  operation: string,
  request: IdempotentRequest,
): Promise<Earlier<Answer> | undefined> {
  const [earlier] = await earlierAnswers<DB, Answer>(db, operation, [request])
  return earlier
}

export const idempotencyKeyReused = () =>
  new Problem(
    422,
    'idempotency_key_reused',
    'This Idempotency-Key was used for another request. Use a new key for a new request.',
    {
      errors: [{ in: 'header', field: 'idempotency-key', detail: 'was used for another request' }],
    },
  )
