import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Problem } from './problem.ts'

export const OperatorConfig = {
  /** What an operator must bring; without one the operator API is off. */
  OPERATOR_TOKEN: Type.Optional(
    Type.String({ minLength: 16, maxLength: 200, pattern: '^[\\x21-\\x7e]*$', writeOnly: true }),
  ),
}

/** A hook that lets through who brings the token as `Authorization: Bearer …`, and tells others what is missing. */
export function requireToken(token: string | undefined): (request: FastifyRequest) => Promise<void> {
  const expected = token === undefined ? undefined : digest(token)
  return async request => {
    if (!expected) {
      const advice = 'Set OPERATOR_TOKEN (16 characters or more) for the services and start them again.'
      throw new Problem(403, 'operator_api_off', `The operator API is off. ${advice}`)
    }
    const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given === undefined)
      throw refused('operator_token_missing', 'Send the operator token as Authorization: Bearer TOKEN.')
    // Of equal length, so that the time taken tells nothing of the token.
    if (!timingSafeEqual(digest(given), expected))
      throw refused(
        'operator_token_wrong',
        'This is not the operator token. It is what OPERATOR_TOKEN was set to when the service started.',
      )
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest()

const refused = (code: string, detail: string) =>
  new Problem(401, code, detail, { headers: { 'www-authenticate': 'Bearer realm="operator"' } })
