import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Problem } from './problem.ts'

/** Keyset paging: a cursor names the last row seen, so pages stay stable while rows arrive. */
export const PageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'Opaque; from a Link header' }),
  ),
}

/** For the schema of an answer that is a page. */
export const pageHeaders = {
  Link: Type.String({ description: 'RFC 8288: `<…>; rel="next"`, where there is more' }),
}

const encodeCursor = (last: string): string => Buffer.from(last).toString('base64url')

/** The text behind a cursor. One that was made up is a 400 problem naming the field. */
export function decodeCursor(cursor: string | undefined, form: RegExp): string | undefined {
  if (cursor === undefined) return undefined
  const last = Buffer.from(cursor, 'base64url').toString()
  if (form.test(last) && encodeCursor(last) === cursor) return last
  const detail = 'is not one that this list gave out; take it from a Link header'
  throw new Problem(400, 'invalid_cursor', `cursor ${detail}.`, {
    errors: [{ in: 'query', field: 'cursor', detail }],
  })
}

/**
 * Ask the database for limit + 1 rows and hand them here: answers the page, and sets
 * `Link: <…>; rel="next"` (RFC 8288, relative to the request) where there is more.
 */
export function sendPage<Row>(
  request: FastifyRequest,
  reply: FastifyReply,
  rows: Row[],
  limit: number,
  cursorOf: (row: Row) => string,
): Row[] {
  if (rows.length <= limit) return rows
  const page = rows.slice(0, limit)
  const [path = '', query] = request.url.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('limit', String(limit))
  parameters.set('cursor', encodeCursor(cursorOf(page[page.length - 1] as Row)))
  reply.header('link', `<${path}?${parameters}>; rel="next"`)
  return page
}

export const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
export const positiveIntegerForm = /^[1-9]\d{0,15}$/
